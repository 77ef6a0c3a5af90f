import type { ProviderRef } from '../../provider/contract.js';
import { assertThat } from '../assert-that.js';
import { fieldsOf, type ProviderBench, sameFields } from './provider-bench.js';
import type { ProviderCheck } from './provider-check.js';

/** Names of what is there. */
export const LISTING_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'list: names what lies below a prefix, at any depth, once, and nothing else',
    needs: ['list'],
    async run(bench) {
      const inside = [await bench.put('suite-list/one'), await bench.put('suite-list/deep/two')];
      await bench.put('suite-list-beside');
      const folder = parentOf(inside[0]?.ref);
      for (const prefix of [folder, `${folder}/`]) {
        const found = (await listed(bench, prefix)).sort();
        const expected = inside.map(({ ref }) => ref.path).sort();
        const missing = expected.filter((path) => !found.includes(path));
        assertThat(missing.length === 0, `below ${prefix} it must name ${missing.join(', ')}`);
        assertThat(
          found.length === expected.length,
          `below ${prefix} it must name nothing else, and nothing twice`,
        );
      }
    },
  },
  {
    name: 'list: what it names can be fetched',
    needs: ['list'],
    async run(bench) {
      const { ref, fields } = await bench.put('suite-listed/one');
      const [path] = await listed(bench, parentOf(ref));
      assertThat(path !== undefined, 'it must name what was written');
      assertThat(sameFields(fieldsOf(await bench.fetch({ path })), fields), 'it must be what was written');
    },
  },
  {
    name: 'list: nothing lies below a prefix that is not there',
    needs: ['list'],
    async run(bench) {
      const { ref } = await bench.put('suite-empty/one');
      const listing = listed(bench, `${parentOf(ref)}-that-is-not-there`);
      const outcome = await bench.settled(listing, 'to list what is not there');
      if (outcome.status === 'fulfilled') assertThat(outcome.value.length === 0, 'it must name nothing');
      else
        await bench.failure(() => Promise.reject(outcome.reason), 'to list what is not there', ['not-found']);
    },
  },
];

async function listed(bench: ProviderBench, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const ref of bench.provider.list?.(prefix, bench.options) ?? []) {
    bench.look(ref, 'what a listing names');
    found.push(ref.path);
  }
  return found;
}

function parentOf(ref: ProviderRef | undefined): string {
  return ref?.path.split('/').slice(0, -1).join('/') ?? '';
}
