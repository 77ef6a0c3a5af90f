import { SecretsError } from '@keyturn/core/provider';
import { abortReason, orAborted } from '../abort-reason.js';
import { isSafePath } from '../api-path.js';
import { invalidConfig, refuseUnknown } from '../invalid-config.js';
import type { Auth } from './auth.js';
import { authMount } from './credential.js';

/** A person or a service account with a password. */
export interface PasswordConfig {
  readonly username: string;
  /** The password, or what asks for it: called at each login. */
  readonly password: string | (() => string | Promise<string>);
  /** Where the auth method is mounted. Default `userpass`, or `ldap`. */
  readonly mount?: string;
}

/**
 * The two methods that take a name in the path and a password in the body.
 *
 * @throws SecretsError `invalid-config`
 */
export function passwordLogin(method: 'userpass' | 'ldap', config: PasswordConfig): Auth {
  refuseUnknown(config, ['username', 'password', 'mount'], `auth: ${method}.`);
  const { username, password } = config;
  if (typeof username !== 'string' || username.includes('/') || !isSafePath(username)) {
    const problem = username === undefined ? 'is missing' : 'is no name that can stand in a path';
    throw invalidConfig(
      `auth: ${method}.username`,
      problem,
      'Write it without a slash, backslash or domain before it.',
    );
  }
  if (typeof password !== 'function' && !isPassword(password)) {
    throw invalidConfig(`auth: ${method}.password`, 'is neither a text nor a function that gives one');
  }
  const mount = authMount(config.mount, `auth: ${method}.mount`, method);
  return {
    method,
    advice: `Check username and password in auth: ${method}, that the method is mounted at auth/${mount}, and whether the account is locked after failed logins.`,
    read: async ({ signal }) => ({
      path: `auth/${mount}/login/${username}`,
      body: { password: await passwordOf(password, method, signal) },
    }),
  };
}

async function passwordOf(
  given: PasswordConfig['password'],
  method: string,
  signal: AbortSignal,
): Promise<string> {
  if (typeof given === 'string') return given;
  let asked: unknown;
  try {
    asked = await orAborted((async () => given())(), signal);
  } catch (cause) {
    if (signal.aborted) throw abortReason(signal);
    throw unasked(method, 'failed', cause);
  }
  if (!isPassword(asked)) throw unasked(method, 'gave no text');
  return asked;
}

function isPassword(given: unknown): given is string {
  return typeof given === 'string' && given !== '';
}

function unasked(method: string, problem: string, cause?: unknown): SecretsError {
  return new SecretsError('unauthenticated', {
    problem: `The function that asks for the password ${problem}.`,
    remedy: `Check the setting auth: ${method}.password.`,
    cause,
  });
}
