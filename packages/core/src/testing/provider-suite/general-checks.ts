import { assertThat } from '../assert-that.js';
import { CAPABILITIES, type ProviderCheck } from './provider-check.js';

/** What holds for a provider as a whole. */
export const GENERAL_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'has a name that people can read',
    async run({ provider }) {
      assertThat(/^[a-z][a-z0-9-]*$/.test(provider.name), 'name must be of small letters, digits and dashes');
    },
  },
  {
    name: 'is able to do what it is said to, no less and no more',
    needs: ['capabilities'],
    async run({ provider, underTest }) {
      const said = [...(underTest.capabilities ?? [])].sort().join(', ');
      const able = CAPABILITIES.filter((capability) => provider[capability] !== undefined);
      assertThat(
        able.sort().join(', ') === said,
        `it is said to have ${said || 'nothing'}, and has ${able.join(', ')}`,
      );
    },
  },
  {
    name: 'a backend that cannot be reached is a failure to try again, within time',
    needs: ['disconnect'],
    async run(bench) {
      const { ref } = await bench.put('suite-disconnected');
      await bench.fetch(ref);
      await bench.underTest.disconnect?.();
      const error = await bench.failure(() => bench.fetch(ref), 'to fetch from a backend that is gone');
      assertThat(
        error.policy.retry,
        `it must be a failure to try again, such as unavailable, but is ${error.code}`,
      );
    },
  },
  {
    name: 'shows no value: not in itself, in what an answer says besides its data, in an error, in what it prints',
    async run(bench) {
      const { ref } = await bench.put('suite-shown');
      await bench.fetch(ref);
      const { path } = ref;
      await bench.failure(
        () => bench.fetch({ path: `${path}-that-is-not-there` }),
        'to fetch what is not there',
      );
      await bench.failure(
        () => bench.fetch({ ...ref, version: '99999999' }),
        'to fetch a version that is not there',
      );
    },
  },
  {
    name: 'closes twice as once',
    async run(bench) {
      const { ref } = await bench.put('suite-closed');
      await bench.fetch(ref);
      for (let turn = 0; turn < 2; turn++) {
        const outcome = await bench.settled((async () => bench.provider.close?.())(), 'close');
        assertThat(outcome.status === 'fulfilled', 'close must resolve');
      }
    },
  },
];
