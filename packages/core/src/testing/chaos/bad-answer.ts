import { type CallUnderFault, injected, type Misdeed } from './fault.js';

/**
 * How an answer is wrong.
 *
 * - `blank`: empty data, or no lease where a renewal or login should grant one.
 * - `no-version`: data without a version.
 * - `no-ttl`: a lease whose ttl is not a number.
 * - `html`: the error page of something that is not the store, which a provider must recognise: `bad-response`.
 */
export type BadAnswer = 'blank' | 'no-version' | 'no-ttl' | 'html';

/** Lets the store act and spoils its answer. */
export function spoiling(kind: BadAnswer): Misdeed {
  return async ({ proceed }: CallUnderFault) => {
    const answer = await proceed();
    if (kind === 'html') throw injected('bad-response', { status: 200 });
    return Array.isArray(answer) ? answer.map((each) => spoiled(each, kind)) : spoiled(answer, kind);
  };
}

function spoiled(answer: unknown, kind: Exclude<BadAnswer, 'html'>): unknown {
  if (typeof answer !== 'object' || answer === null || answer instanceof Error) return answer;
  if ('data' in answer) {
    if (kind === 'blank') return { ...answer, data: isSingle(answer.data) ? '' : {} };
    if (kind === 'no-version') return { ...answer, version: '' };
  }
  if (kind === 'blank' && 'ttlMs' in answer) return undefined;
  if (kind === 'blank' && 'lease' in answer) return { ...answer, lease: undefined };
  if (kind !== 'no-ttl') return answer;
  if ('ttlMs' in answer) return { ...answer, ttlMs: Number.NaN };
  return 'lease' in answer
    ? { ...answer, lease: { ...(answer.lease as object), ttlMs: Number.NaN } }
    : answer;
}

function isSingle(data: unknown): boolean {
  return typeof data === 'string' || data instanceof Uint8Array;
}
