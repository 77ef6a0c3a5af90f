import { type CallOptions, SecretsError } from '@keyturn/core/provider';
import type { Caller } from './client.js';

/**
 * The token of a login. Printing, logging or serializing it shows nothing of it; only this package can read it.
 */
export class SessionToken {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * The token inside a credential that came back through the core.
   *
   * @throws SecretsError `unauthenticated` when it is none of ours
   */
  static textOf(credential: unknown): string {
    if (typeof credential === 'object' && credential !== null && #text in credential) return credential.#text;
    throw new SecretsError('unauthenticated', {
      problem: 'The call came without a login.',
      remedy: 'Pass the credential that session.login() returned as options.session.',
    });
  }
}

/**
 * Who calls with these options, where, and until when.
 *
 * @throws SecretsError `unauthenticated` when the session is none of ours
 */
export function callerOf({ session, signal, address }: CallOptions): Caller {
  return { token: SessionToken.textOf(session), signal, address };
}
