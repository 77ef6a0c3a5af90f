import { lineRedaction, type Redactor } from '@keyturn/redact';
import type { Logform } from 'winston';

/** Where winston keeps the level by which it routes, and the finished line. */
const LEVEL = Symbol.for('level');
const MESSAGE = Symbol.for('message');

/**
 * A format that masks what the formats before it have made: the finished line, and the fields for transports that
 * send those. Put it last.
 *
 * ```js
 * createLogger({ format: format.combine(format.json(), redaction(redactor)) });
 * ```
 *
 * The entry that it returns is a copy: what the application logged does not change.
 *
 * @throws SecretsError `invalid-config` for something that is not a redactor
 */
export function redaction(redactor: Redactor): Logform.Format {
  const maskLine = lineRedaction(redactor, 'winston');
  return {
    transform(info) {
      const fields: Record<string, unknown> = { ...info };
      // Asked how it looks as JSON, an entry might not be an object any more.
      delete fields.toJSON;
      const masked = redactor.redactObject(fields, 'winston') as Logform.TransformableInfo;
      // An error keeps these to itself.
      for (const name of ['message', 'stack'] as const) {
        if (!(name in masked) && info[name] !== undefined) {
          masked[name] = redactor.redactObject(info[name], 'winston');
        }
      }
      for (const symbol of Object.getOwnPropertySymbols(info)) {
        masked[symbol] = symbol === LEVEL ? info[LEVEL] : maskSymbol(symbol, info[symbol]);
      }
      return masked;
    },
  };

  function maskSymbol(symbol: symbol, value: unknown): unknown {
    return symbol === MESSAGE && typeof value === 'string'
      ? maskLine(value)
      : redactor.redactObject(value, 'winston');
  }
}
