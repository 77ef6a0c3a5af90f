import { lineRedaction, type Redactor } from '@keyturn/redact';
import type { LoggerOptions } from 'pino';

/** What pino's own `redact` writes from here on, unless it is told otherwise: one log, one mask. */
const CENSOR = '[REDACTED]';

/**
 * Options for pino that mask each finished line: of the logger and its children, before any destination, multistream
 * or transport. The line stays one line of JSON.
 *
 * A `streamWrite` of your own goes first. pino's own `redact` works beside it, with our mask as its default censor.
 *
 * ```js
 * const log = pino(redacted(redactor, { level: 'debug' }));
 * ```
 *
 * @throws SecretsError `invalid-config` for something that is not a redactor
 */
export function redacted<CustomLevels extends string = never, OnlyCustom extends boolean = boolean>(
  redactor: Redactor,
  options: LoggerOptions<CustomLevels, OnlyCustom> = {},
): LoggerOptions<CustomLevels, OnlyCustom> {
  const mask = lineRedaction(redactor, 'pino');
  const { hooks, redact } = options;
  const before = hooks?.streamWrite;
  return {
    ...options,
    hooks: { ...hooks, streamWrite: before === undefined ? mask : (line) => mask(before(line)) },
    ...(redact !== undefined && {
      redact: { censor: CENSOR, ...(Array.isArray(redact) ? { paths: redact } : redact) },
    }),
  };
}
