import { createHash } from 'node:crypto';
import type { HostClock, Timer } from '@keyturn/core/provider';
import type { Background } from './background.js';
import { base62, batchTokenId, serviceTokenId } from './identifiers.js';
import { grantTtl } from './lease-ttl.js';
import type { Mount } from './mounts.js';
import { refused } from './refusal.js';
import { alarmAt } from './time/alarm.js';

/** What a token may live for when it is renewed without saying how long. Seconds; 0: not set. */
export interface RenewalTerms {
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
  readonly periodSeconds: number;
}

/** What a new token is made from. */
export interface TokenDefinition {
  readonly type: 'service' | 'batch';
  readonly path: string;
  readonly policies: readonly string[];
  readonly displayName: string;
  readonly mount: Mount;
  /** Chosen by the caller; otherwise random. */
  readonly id?: string;
  readonly parent?: Token;
  readonly metadata?: Readonly<Record<string, string>> | null;
  readonly entityId?: string;
  /** Absent or 0: any number. */
  readonly numUses?: number;
  readonly renewable?: boolean;
  /** Absent: never ends. */
  readonly ttlSeconds?: number;
  readonly explicitMaxTtlSeconds?: number;
  readonly periodSeconds?: number;
  /** Absent: a renewal gives what the last one gave. */
  readonly terms?: () => RenewalTerms;
}

/** A token in force, or one that was. */
export interface Token {
  readonly id: string;
  /** Empty for a batch token. */
  readonly accessor: string;
  /** Where its own lease is listed. */
  readonly leaseId: string;
  readonly definition: TokenDefinition;
  readonly issueMs: number;
  parent: Token | undefined;
  expireMs: number | undefined;
  lastRenewalMs?: number;
  lastTtlSeconds: number;
  /** `undefined`: unlimited. At 0 the token is spent. */
  usesLeft: number | undefined;
  timer?: Timer | undefined;
}

/** Every token, its children and its end. */
export interface Tokens {
  /** @throws Refusal 400 when the id is taken */
  issue(definition: TokenDefinition): Token;
  /** The token in force with this id. */
  find(id: string): Token | undefined;
  byAccessor(accessor: string): Token | undefined;
  /** Those with a lease of their own: all but batch tokens. */
  leased(): Token[];
  accessors(): string[];
  /** Counts one use of a limited token. */
  use(token: Token): void;
  /** @throws Refusal 400 when it cannot be renewed */
  renew(token: Token, incrementSeconds: number): readonly string[];
  /** Ends a token, its children, and what they own. */
  revoke(token: Token): void;
  /** Ends a token and lets its children live on as orphans. */
  revokeOrphaning(token: Token): void;
  /** Stops every timer, for good. */
  close(): void;
}

/** @param ended called once for each token that has ended, so that what it owns ends too */
export function createTokens(
  clock: HostClock,
  background: Background,
  ended: (token: Token) => void,
): Tokens {
  const tokens = new Map<string, Token>();
  let closed = false;

  const isOver = (token: Token) => token.expireMs !== undefined && token.expireMs <= clock.wallMs();
  const childrenOf = (parent: Token) => [...tokens.values()].filter((token) => token.parent === parent);

  const remove = (token: Token) => {
    token.timer?.cancel();
    if (tokens.delete(token.id)) ended(token);
  };
  const revoke = (token: Token) => {
    for (const child of childrenOf(token)) revoke(child);
    remove(token);
  };
  const watch = (token: Token) => {
    token.timer?.cancel();
    if (token.expireMs === undefined || closed) return;
    token.timer = alarmAt(clock, token.expireMs, () => background.run(() => revoke(token)));
  };

  return {
    issue(definition) {
      const batch = definition.type === 'batch';
      const id = definition.id ?? (batch ? batchTokenId() : serviceTokenId());
      if (tokens.has(id)) throw refused('cannot create a token with a duplicate ID');
      // A batch token carries its times inside, in whole seconds.
      const issueMs = batch ? Math.floor(clock.wallMs() / 1000) * 1000 : clock.wallMs();
      const token: Token = {
        id,
        accessor: batch ? '' : base62(24),
        leaseId: `${definition.path}/h${createHash('sha256').update(id).digest('hex')}`,
        definition,
        issueMs,
        parent: definition.parent,
        expireMs: definition.ttlSeconds === undefined ? undefined : issueMs + definition.ttlSeconds * 1000,
        lastTtlSeconds: definition.ttlSeconds ?? 0,
        usesLeft: definition.numUses || undefined,
      };
      tokens.set(id, token);
      watch(token);
      return token;
    },
    find(id) {
      const token = tokens.get(id);
      return token === undefined || isOver(token) || token.usesLeft === 0 ? undefined : token;
    },
    byAccessor: (accessor) =>
      accessor === ''
        ? undefined
        : [...tokens.values()].find((token) => token.accessor === accessor && !isOver(token)),
    leased: () =>
      [...tokens.values()].filter((token) => token.definition.type === 'service' && !isOver(token)),
    accessors: () =>
      [...tokens.values()].filter((token) => token.accessor !== '').map((token) => token.accessor),
    use(token) {
      if (token.usesLeft !== undefined) token.usesLeft -= 1;
    },
    renew(token, incrementSeconds) {
      const { definition } = token;
      if (definition.type === 'batch') throw refused('batch tokens cannot be renewed');
      if (token.expireMs === undefined || definition.renewable === false)
        throw refused('lease is not renewable');
      const terms = definition.terms?.() ?? {
        defaultSeconds: token.lastTtlSeconds,
        maxSeconds: 0,
        periodSeconds: definition.periodSeconds ?? 0,
      };
      const nowMs = clock.wallMs();
      const { ttlSeconds, warnings } = grantTtl({
        incrementSeconds,
        ...terms,
        explicitMaxSeconds: definition.explicitMaxTtlSeconds ?? 0,
        mountDefaultSeconds: definition.mount.config.defaultLeaseTtlSeconds,
        mountMaxSeconds: definition.mount.config.maxLeaseTtlSeconds,
        nowMs,
        startMs: token.issueMs,
      });
      token.expireMs = nowMs + ttlSeconds * 1000;
      token.lastRenewalMs = nowMs;
      token.lastTtlSeconds = ttlSeconds;
      watch(token);
      return warnings;
    },
    revoke,
    revokeOrphaning(token) {
      for (const child of childrenOf(token)) child.parent = undefined;
      remove(token);
    },
    close() {
      closed = true;
      for (const token of tokens.values()) token.timer?.cancel();
    },
  };
}
