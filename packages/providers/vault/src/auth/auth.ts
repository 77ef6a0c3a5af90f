import type { Clock } from '@keyturn/core/provider';
import type { Envelope } from '../answer.js';

/** How to log in. Made by `approle`, `kubernetes` and their kin; it shows nothing of what it holds. */
export interface Auth {
  /** For people: `approle`. */
  readonly method: string;
  /** What to look at when the store refuses the login. */
  readonly advice: string;
  /** True when the client certificate of the setting `tls` is what is logged in with. */
  readonly needsClientCertificate?: boolean;
  /** Reads what the login needs, from disk where it lies there: asked anew for each login. */
  read(reading: LoginReading): Promise<Login>;
  /** Whether somebody has put another login where the last one was read from. Never rejects. */
  hasChanged?(signal: AbortSignal): Promise<boolean>;
}

/** What a login may use while it is read. */
export interface LoginReading {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Opens a wrapping token, which can be done once. Goes on when the caller leaves: the answer is not given again. */
  unwrap(wrapped: Wrapped): Promise<Envelope>;
}

/** A wrapping token, and what it must have been made for. */
export interface Wrapped {
  readonly token: string;
  /** Matches the path that wrapped it: one that somebody else has put in its place was made elsewhere. */
  readonly madeAt: RegExp;
  /** The setting that it came by, for people. */
  readonly advice: string;
}

/** A token that is there already, or where to send what for one. */
export type Login =
  | { readonly token: string }
  | { readonly path: string; readonly body: Readonly<Record<string, string>> };
