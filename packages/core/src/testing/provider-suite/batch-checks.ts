import { isSecretsError, type SecretsError } from '../../errors/secrets-error.js';
import type { ProviderRef, SecretVersion } from '../../provider/contract.js';
import { assertThat } from '../assert-that.js';
import { fieldsOf, type ProviderBench, sameFields } from './provider-bench.js';
import type { ProviderCheck } from './provider-check.js';

/** Many at once: one answer for each, in order. */
export const BATCH_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'fetchMany: answers each in its place, as fetch would, also what is asked for twice',
    needs: ['fetchMany'],
    async run(bench) {
      const [one, two] = [await bench.put('suite-batch-1'), await bench.put('suite-batch-2')];
      const asked = [two, one, two];
      const answers = await fetchMany(
        bench,
        asked.map(({ ref }) => ref),
      );
      for (const [place, answer] of answers.entries()) {
        const { ref, fields } = asked[place] ?? one;
        assertThat(!isSecretsError(answer), 'what is there must be given');
        assertThat(sameFields(fieldsOf(answer), fields), 'each answer must stand in its place');
        assertThat(answer.version === (await bench.fetch(ref)).version, 'its version must be that of fetch');
      }
    },
  },
  {
    name: 'fetchMany: one that fails has its own error in its place, and the others their answer',
    needs: ['fetchMany'],
    async run(bench) {
      const { ref } = await bench.put('suite-batch');
      const missing = { path: `${ref.path}-that-is-not-there` };
      const [first, error, last] = await fetchMany(bench, [ref, missing, ref]);
      const isGiven = !isSecretsError(first) && !isSecretsError(last);
      assertThat(isGiven, 'what is there must be given beside what is not');
      bench.look(error, 'an error of fetchMany');
      const isRight = isSecretsError(error) && error.code === 'not-found' && error.remedy !== '';
      assertThat(isRight, 'what is not there must be a SecretsError in its place: not-found');
    },
  },
  {
    name: 'fetchMany: nothing asked is nothing answered',
    needs: ['fetchMany'],
    run: async (bench) => void (await fetchMany(bench, [])),
  },
];

async function fetchMany(
  bench: ProviderBench,
  refs: readonly ProviderRef[],
): Promise<readonly (SecretVersion | SecretsError)[]> {
  const answers = (await bench.provider.fetchMany?.(refs, bench.options)) ?? [];
  assertThat(answers.length === refs.length, 'there must be one answer for each');
  return answers;
}
