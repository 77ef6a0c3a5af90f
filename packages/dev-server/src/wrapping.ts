import type { HostClock } from '@keyturn/core/provider';
import type { Answer } from './answer.js';
import type { Mount } from './mounts.js';
import { rfc3339 } from './time/rfc3339.js';
import type { Token, Tokens } from './tokens.js';

/** The policy of every wrapping token: read its own cubbyhole, unwrap, nothing else. */
export const WRAPPING_POLICY = 'response-wrapping';

/** An answer put aside for whoever holds the wrapping token. */
export interface Wrapped {
  readonly answer: Answer;
  readonly creationPath: string;
  readonly creationMs: number;
  readonly ttlSeconds: number;
  /** The accessor of the token or secret id inside, which its issuer may know. */
  readonly accessor?: string;
}

/** Response wrapping: an answer that can be taken out once. */
export interface Wrapping {
  /** Puts `answer` aside and describes where, as `wrap_info`. */
  wrap(content: Omit<Wrapped, 'creationMs'>): Record<string, unknown>;
  /** What the token holds, while it is in force. */
  find(tokenId: string): { readonly token: Token; readonly wrapped: Wrapped } | undefined;
  /** Forgets what an ended token held. */
  drop(tokenId: string): void;
}

/** @param tokenMount the mount that wrapping tokens belong to */
export function createWrapping(clock: HostClock, tokens: Tokens, tokenMount: () => Mount): Wrapping {
  const contents = new Map<string, Wrapped>();
  return {
    wrap(content) {
      const wrapped = { ...content, creationMs: clock.wallMs() };
      const token = tokens.issue({
        type: 'service',
        path: content.creationPath,
        policies: [WRAPPING_POLICY],
        displayName: 'token',
        mount: tokenMount(),
        numUses: 1,
        renewable: false,
        ttlSeconds: content.ttlSeconds,
        explicitMaxTtlSeconds: content.ttlSeconds,
      });
      contents.set(token.id, wrapped);
      return {
        token: token.id,
        accessor: token.accessor,
        ttl: Math.trunc(content.ttlSeconds),
        creation_time: rfc3339(wrapped.creationMs),
        creation_path: content.creationPath,
        ...(content.accessor === undefined ? {} : { wrapped_accessor: content.accessor }),
      };
    },
    find(tokenId) {
      const token = tokens.find(tokenId);
      const wrapped = contents.get(tokenId);
      return token === undefined || wrapped === undefined ? undefined : { token, wrapped };
    },
    drop: (tokenId) => void contents.delete(tokenId),
  };
}
