/** All that is kept of an error that Keyturn did not make: enough to search for, nothing that can carry a secret. */
export interface ForeignCause {
  readonly name: string;
  readonly code?: string | number;
  readonly status?: number;
}

const PLAIN_WORD = /^[\w.:-]{1,64}$/;

/**
 * Reduces any thrown thing to its name, code and status.
 *
 * Messages, stacks, bodies, headers and configs are dropped, because HTTP clients put tokens into each of
 * them (node-vault issue 50). A name or code is kept only when it is a plain word.
 */
export function foreignCause(thrown: unknown): ForeignCause {
  if (typeof thrown !== 'object' || thrown === null) return { name: typeof thrown };
  try {
    return plainFacts(thrown);
  } catch {
    return { name: 'Error' }; // One of its getters threw.
  }
}

function plainFacts(thrown: object): ForeignCause {
  const { name, code, status, statusCode } = thrown as Record<string, unknown>;
  const number = [status, statusCode].find((value) => typeof value === 'number');
  return {
    name: typeof name === 'string' && PLAIN_WORD.test(name) ? name : 'Error',
    ...(typeof code === 'number' || (typeof code === 'string' && PLAIN_WORD.test(code)) ? { code } : {}),
    ...(number === undefined ? {} : { status: number as number }),
  };
}
