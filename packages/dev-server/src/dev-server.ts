import type { Fault, FaultAction, FaultScope } from './faults.js';
import type { LoggedRequest, RequestFilter } from './request-log.js';

/** A secret store in this process, and its controls. Printing or serializing one shows no token. */
export interface DevServer {
  /** `http://127.0.0.1:…`. @throws SecretsError `invalid-config` before the server has started */
  readonly address: string;
  /** The token that may do everything. */
  readonly rootToken: string;
  /** What `sys/unseal` takes. */
  readonly unsealKey: string;
  readonly sealed: boolean;

  /** Listens, and configures the databases. Resolves with the server itself. */
  start(): Promise<DevServer>;
  /**
   * Ends every connection and timer. Idempotent.
   *
   * Outstanding leases are revoked first, within 5 s, so that no database role is left behind; with
   * `revokeLeases: false` they are left, as by a server that was killed.
   */
  close(options?: { readonly revokeLeases?: boolean }): Promise<void>;

  /**
   * Calls the API as root without the network: not met by faults, not in the log. For setting up.
   *
   * @param path below `/v1/`
   * @returns the answer's body
   * @throws SecretsError `invalid-config` with the server's errors
   */
  admin(method: string, path: string, body?: Readonly<Record<string, unknown>>): Promise<AdminAnswer>;

  seal(): void;
  unseal(): void;
  /** Makes it a standby that forwards nothing, or sends callers to `redirect`; `false` ends it. */
  standby(state: boolean | { readonly redirect: string }): void;
  /** Makes something go wrong, for some requests or all of them. */
  inject(fault: FaultAction & FaultScope): Fault;
  /** Stops listening and cuts every connection; the port is kept in mind. */
  refuseConnections(): Promise<void>;
  /** Listens again, at the same address. */
  acceptConnections(): Promise<void>;
  /** Ends every fault, outage, seal and standby. */
  recover(): Promise<void>;

  /** Rotates a static database role now. @param path such as `database/static-creds/orders` */
  rotateNow(path: string): Promise<void>;
  /** Revokes a lease, or all below a prefix, and waits until the database has followed. */
  revokeLeases(leaseIdOrPrefix: string): Promise<void>;
  /** Leases in force below a prefix. */
  leases(
    prefix?: string,
  ): readonly { readonly id: string; readonly path: string; readonly expiresAtMs: number }[];
  /** Resolves once every expiry and rotation that is due has been carried out (or has failed). */
  settled(): Promise<void>;

  /** The requests that came over the network, oldest first: method, path, status; never a body or a token. */
  requests(filter?: RequestFilter): readonly LoggedRequest[];
  clearRequests(): void;
}

/** An answer's envelope, as far as a setup needs it. */
export interface AdminAnswer {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly auth: Readonly<Record<string, unknown>> | null;
  readonly lease_id: string;
  readonly lease_duration: number;
  readonly warnings: readonly string[] | null;
}
