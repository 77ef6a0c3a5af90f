import type { ErrorCode } from '../../errors/error-policy.js';
import { SecretsError } from '../../errors/secrets-error.js';

const SENTENCES = {
  'not-found': [
    'There is nothing at this path.',
    'Write it with set(), lease() or rotates() of the memory provider.',
  ],
  'permission-denied': ['The store was told to deny this path.', 'Call allow() of the memory provider.'],
  'lease-lost': ['The store does not know this lease, or it has ended.', 'Fetch the secret again.'],
  unauthenticated: ['The store does not know this login, or it has ended.', 'Log in again.'],
  unsupported: ['The store cannot do this.', 'See what the path was written with.'],
  'invalid-ref': [
    'The path does not name a place in the store.',
    'Write it without empty, . and .. segments, backslashes and control characters.',
  ],
} as const satisfies Partial<Record<ErrorCode, readonly [problem: string, remedy: string]>>;

/** What the memory provider rejects with. */
export function storeFailure(code: keyof typeof SENTENCES): SecretsError {
  const [problem, remedy] = SENTENCES[code];
  return new SecretsError(code, { provider: 'memory', problem, remedy });
}
