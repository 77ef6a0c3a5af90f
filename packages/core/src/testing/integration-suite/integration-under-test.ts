import type { SecretSource } from '../../lease/consumer.js';
import type { SecretData } from '../memory/secret-shelf.js';

/** A credential at a backend. */
export interface BackendCredential {
  /** What the store hands out: user name and password, a key, a certificate. */
  readonly data: SecretData;
  /** By what the backend knows its holder: a user name, the number of a certificate. Not secret. */
  readonly holder: string;
  /** The values in `data` that are secret: they must appear nowhere. */
  readonly secrets: readonly string[];
}

/** The backend that an integration connects to: a real server wherever there is one. */
export interface IntegrationBackend {
  /** Makes a credential that is accepted from now on, besides those made before. */
  issue(): Promise<BackendCredential>;
  /** Ends a credential: who comes with it from now on is refused. */
  revoke(credential: BackendCredential): Promise<void>;
  /** How many connections are open, of one holder or of all. */
  liveConnections(holder?: string): Promise<number>;
}

/** What an integration made, in the hands of its user. */
export interface OpenedIntegration {
  /** Does one thing at the backend; resolves with the holder as which the backend saw it. */
  use(): Promise<string>;
  /** Begins work that lasts until `end` (a transaction, a checked-out connection); each `use` is a part of it. */
  begin?(): Promise<{ use(): Promise<string>; end(): Promise<void> }>;
  /** Must be idempotent. */
  close(): Promise<void>;
  /** What the user holds and may print: the pool, a client. */
  readonly exposed: readonly unknown[];
}

/** An integration before a backend: a fresh one for each test. */
export interface IntegrationUnderTest {
  readonly backend: IntegrationBackend;
  /** Makes what the integration makes, from the secret `ref` of `source`. */
  open(source: SecretSource, ref: string): Promise<OpenedIntegration> | OpenedIntegration;
  /** The most connections that it is configured to open. Absent: it has no such limit. */
  readonly max?: number;
  /**
   * How long it may take until a credential has come into use, and the backend counts a closed connection no more.
   * Default 5,000.
   */
  readonly settleMs?: number;
  /** What it does not do, and why that is right is for its documentation to say. */
  readonly without?: readonly ('proof' | 'healing')[];
  /** Called at the end of each test. */
  stop?(): Promise<void> | void;
}
