import { isSecretsError } from '../../errors/secrets-error.js';
import type { CallOptions } from '../../provider/contract.js';
import { assertThat } from '../assert-that.js';
import { PROMPT_MS, type ProviderBench } from './provider-bench.js';
import type { ProviderCheck } from './provider-check.js';

/** One call of each method that the provider has. */
interface AnyCall {
  readonly method: string;
  start(signal: AbortSignal): Promise<unknown>;
}

/** A trait of every method: the caller may leave at any time. */
export const ABORT_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'a call whose caller has left already rejects at once, whatever the method',
    async run(bench) {
      for (const call of await callsOf(bench)) {
        const outcome = await aborted(bench, call, (controller) =>
          controller.abort(new Error('the caller left')),
        );
        const isOver = outcome.status === 'rejected' || isEnd(outcome.value);
        assertThat(isOver, `${call.method} must reject when its signal has aborted, and not go on`);
      }
    },
  },
  {
    name: 'a call whose caller leaves while it runs settles at once, whatever the method',
    async run(bench) {
      for (const call of await callsOf(bench)) await aborted(bench, call, () => {});
    },
  },
  {
    name: 'a fetch that the backend does not answer rejects as soon as its caller leaves',
    needs: ['freeze'],
    async run(bench) {
      const { ref } = await bench.put('suite-frozen');
      await bench.underTest.freeze?.();
      const start = (signal: AbortSignal) => bench.provider.fetch(ref, { ...bench.options, signal });
      const outcome = await aborted(bench, { method: 'fetch', start }, () => {});
      assertThat(outcome.status === 'rejected', 'fetch must reject when its caller leaves');
    },
  },
];

/** What comes of a call that is aborted: `before` it starts if that aborts, else right after. */
async function aborted(
  bench: ProviderBench,
  { method, start }: AnyCall,
  before: (controller: AbortController) => void,
): Promise<PromiseSettledResult<unknown>> {
  const controller = new AbortController();
  before(controller);
  const running = (async () => start(controller.signal))();
  controller.abort(new Error('the caller left'));
  const outcome = await bench.settled(running, `${method}, once its caller has left,`, PROMPT_MS);
  if (outcome.status === 'rejected') {
    const { reason } = outcome;
    bench.look(reason, `the error of ${method} when its caller leaves`);
    const isRight = reason === controller.signal.reason || isSecretsError(reason);
    assertThat(isRight, `${method} must reject with the reason of its signal, or a SecretsError`);
  }
  return outcome;
}

async function callsOf(bench: ProviderBench): Promise<AnyCall[]> {
  const { provider, underTest } = bench;
  const { ref } = await bench.put('suite-abort');
  const folder = ref.path.split('/').slice(0, -1).join('/');
  const lease = underTest.leased === undefined ? undefined : await bench.lease();
  const possible: Record<string, ((options: CallOptions) => Promise<unknown> | undefined) | false> = {
    fetch: (options) => provider.fetch(ref, options),
    fetchMany: provider.fetchMany !== undefined && ((options) => provider.fetchMany?.([ref], options)),
    renew:
      provider.renew !== undefined &&
      lease !== undefined &&
      ((options) => provider.renew?.(lease.id, { ...options, ttlMs: lease.ttlMs })),
    watch:
      provider.watch !== undefined &&
      ((options) => provider.watch?.(ref, options)[Symbol.asyncIterator]().next()),
    list:
      provider.list !== undefined &&
      ((options) => provider.list?.(folder, options)[Symbol.asyncIterator]().next()),
    login: provider.session !== undefined && (({ signal, clock }) => bench.login({ signal, clock })),
  };
  return Object.entries(possible).flatMap(([method, call]) =>
    call === false ? [] : [{ method, start: async (signal) => call({ ...bench.options, signal }) }],
  );
}

/** A watch and a listing may also just end. */
function isEnd(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'done' in value && value.done === true;
}
