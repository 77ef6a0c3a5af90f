import { type Secret, SecretsError } from '@keyturn/core';
import { parse } from 'pg-connection-string';

/** What a secret says about how to connect. */
export interface Credential {
  readonly user: string;
  readonly password: string;
  /** Whatever else it says (host, port, database, ssl, …), by the names that pg gives them. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const CONNECTION_STRING = /^postgres(?:ql)?:\/\//i;

/**
 * Reads user, password and what goes with them from a secret: either its fields `username` (or `user`),
 * `password`, `host`, `port` and `database` (or `dbname`), or a connection string.
 *
 * @throws SecretsError `invalid-value` that names what is missing; it never quotes the secret
 */
export function credentialOf(secret: Secret): Credential {
  const names = secret.fields();
  if (names.length > 1) return fromFields(secret.revealFields(), secret.ref);
  const text = secret.reveal();
  if (CONNECTION_STRING.test(text)) return fromConnectionString(text, secret.ref);
  if (names.length === 1 || text.trimStart().startsWith('{')) {
    return fromFields(secret.revealFields(), secret.ref);
  }
  throw new SecretsError('invalid-value', {
    ref: secret.ref,
    problem: 'The secret is a text, but no connection string.',
    remedy: 'Name a secret with the fields username and password, or one that begins with postgres://.',
  });
}

function fromFields(fields: Readonly<Record<string, string>>, ref: string): Credential {
  const user = fields.username || fields.user;
  const { password, host, port } = fields;
  if (!user || !password) throw incomplete(user ? 'password' : 'username', Object.keys(fields), ref);
  const database = fields.database || fields.dbname;
  return { user, password, settings: given({ host, port: portOf(port, ref), database }) };
}

function fromConnectionString(text: string, ref: string): Credential {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(text);
  } catch (cause) {
    throw new SecretsError('invalid-value', {
      ref,
      problem: 'The connection string cannot be parsed.',
      remedy: 'Percent-encode user and password; a template does that by itself.',
      cause,
    });
  }
  const { user, password, port, ...settings } = parsed;
  if (!user || !password) throw incomplete(user ? 'password' : 'username', ['a connection string'], ref);
  return { user, password, settings: given({ ...settings, port: portOf(port, ref) }) };
}

function portOf(port: string | null | undefined, ref: string): number | undefined {
  if (port === undefined || port === null || port === '') return undefined;
  const number = Number(port);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  throw new SecretsError('invalid-value', {
    ref,
    problem: 'The port in the secret is no port number.',
    remedy: 'Correct it at the store, or set port in the configuration of createPool, which comes first.',
  });
}

/** Without what is absent, which pg spells undefined, null or ''. */
function given(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => isGiven(value)));
}

/** Whether a setting says anything. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function incomplete(missing: string, present: readonly string[], ref: string): SecretsError {
  return new SecretsError('invalid-value', {
    ref,
    problem: `The secret has no ${missing}.`,
    remedy: `It needs the fields username and password, or a connection string with both; it has: ${present.join(', ')}.`,
  });
}
