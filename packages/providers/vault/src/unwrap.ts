import { type Clock, SecretsError } from '@keyturn/core/provider';
import type { Envelope } from './answer.js';
import type { Wrapped } from './auth/auth.js';
import type { VaultClient } from './client.js';
import { textOf } from './json-object.js';

/** How long the answer is awaited, in milliseconds, whether or not a caller still waits. */
const LIMIT_MS = 30_000;

/**
 * Opens a wrapping token, after a look at where it was made: who took the one that was meant for us and put another
 * in its place cannot make that at the same path (https://developer.hashicorp.com/vault/docs/concepts/response-wrapping).
 *
 * The caller's signal is not heeded: the store gives the answer once, and one that nobody reads is lost for good.
 *
 * @throws SecretsError `unauthenticated` when it is spent, or was made elsewhere
 */
export async function unwrap(
  client: VaultClient,
  { token, madeAt, advice }: Wrapped,
  { clock, address }: { readonly clock: Clock; readonly address?: string },
): Promise<Envelope> {
  const over = new AbortController();
  void endsAfter(LIMIT_MS, clock, over);
  const call = { purpose: 'unwrap', advice, signal: over.signal, address } as const;
  try {
    const { data } = await client.call({ ...call, path: 'sys/wrapping/lookup', body: { token } });
    if (!madeAt.test(textOf(data?.creation_path) ?? '')) throw madeElsewhere(advice);
    return await client.call({ ...call, path: 'sys/wrapping/unwrap', body: {}, token });
  } finally {
    over.abort();
  }
}

/** Aborts `over` when it is time. Its timer ends with it. */
async function endsAfter(delayMs: number, clock: Clock, over: AbortController): Promise<void> {
  await clock.sleep(delayMs, { signal: over.signal }).catch(() => {});
  over.abort(
    new SecretsError('timeout', {
      problem: `The store did not unwrap a token within ${delayMs / 1_000} s.`,
      remedy: 'Check the server; the token may be spent, and a new one needed.',
    }),
  );
}

function madeElsewhere(advice: string): SecretsError {
  return new SecretsError('unauthenticated', {
    problem: 'The wrapping token was made at another path than such a credential is, and is left unopened.',
    remedy: `Somebody may have taken the right one and put this in its place: find out who delivered it, revoke what was wrapped, and deliver a new one. ${advice}`,
  });
}
