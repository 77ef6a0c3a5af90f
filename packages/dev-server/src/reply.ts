import type { Answer } from './answer.js';

/** What an engine answers, before the gateway makes leases, tokens and wrappings of it. */
export interface Reply {
  /** 200 unless said otherwise. */
  readonly status?: number;
  readonly data?: Readonly<Record<string, unknown>> | null;
  /** The answer has a status and nothing else. */
  readonly empty?: boolean;
  readonly warnings?: readonly string[];
  /** A credential that ends: the gateway registers a lease for it. */
  readonly lease?: LeaseGrant;
  /** A ttl that is only a hint and has no lease (KV version 1). */
  readonly hintSeconds?: number;
  /** A login: the gateway issues a token for it. */
  readonly login?: LoginGrant;
  /** A token that is issued already, as its `auth` block. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** The lease that was renewed: it stands in the envelope itself. */
  readonly renewed?: { readonly id: string; readonly ttlSeconds: number };
  /** A wrapping that the engine made itself. */
  readonly wrapInfo?: Readonly<Record<string, unknown>>;
  /** An answer that was wrapped before, given back as it was. */
  readonly verbatim?: Answer;
  /** The accessor of what a wrapping of this reply would hold. */
  readonly accessor?: string;
}

/** How long a role lets a lease live. 0: the mount's or the system's own limit. */
export interface LeaseTerms {
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
}

/** A credential that the server must end in time. */
export interface LeaseGrant {
  readonly ttlSeconds: number;
  /** Read again at each renewal, so that a changed role counts. */
  readonly terms: () => LeaseTerms;
  /** Tells the backend of the new end. */
  readonly renew: (endMs: number) => Promise<void>;
  /** Ends the credential. Repeated until it succeeds. */
  readonly revoke: () => Promise<void>;
}

/** What a login earns. Durations in seconds; 0: not set. */
export interface LoginGrant {
  /** Who logged in, as the auth method knows them: one entity for each. */
  readonly alias: string;
  readonly displayName: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Read again at each renewal, so that a changed role counts. */
  readonly terms: () => TokenTerms;
}

/** The token settings of a role, shared by every auth method. */
export interface TokenTerms {
  readonly policies: readonly string[];
  readonly noDefaultPolicy: boolean;
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  readonly numUses: number;
  readonly type: 'service' | 'batch';
}
