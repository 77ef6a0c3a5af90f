import { assertThat } from '../assert-that.js';
import type { ProviderCheck } from './provider-check.js';

/** Paths that lead to `path`, or near it, by a way that nobody asked for. */
const DETOURS: readonly ((path: string) => string)[] = [
  () => '',
  () => '..',
  (path) => `../${path}`,
  (path) => `./${path}`,
  (path) => `/${path}`,
  (path) => `//${path}`,
  (path) => `x/../${path}`,
  (path) => `${path}/.`,
  (path) => `${path}/x/..`,
  (path) => `${path}/../${path.split('/').at(-1)}`,
  (path) => `x\\..\\${path}`,
  (path) => `x/%2e%2e/${path}`,
  (path) => `x%2f..%2f${path}`,
  (path) => `${path}\0`,
  (path) => `${path}%00`,
  (path) => `${path}\n`,
  (path) => `${path}?`,
  (path) => `${path}#`,
];

/** Paths that leave their place: traversal to other parts of a backend's API, or to other files. */
export const PATH_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'a path that leads elsewhere is refused, plain and escaped',
    async run(bench) {
      const { ref } = await bench.put('suite-place');
      const followed: string[] = [];
      for (const detour of DETOURS) {
        const path = detour(ref.path);
        const outcome = await bench.settled(
          bench.provider.fetch({ path }, bench.options),
          'to fetch a strange path',
        );
        if (outcome.status === 'fulfilled') followed.push(JSON.stringify(path));
        else
          await bench.failure(
            () => Promise.reject(outcome.reason),
            `to fetch ${JSON.stringify(path)}`,
            REFUSALS,
          );
      }
      assertThat(followed.length === 0, `these must be refused, but give something: ${followed.join(', ')}`);
    },
  },
];

const REFUSALS = ['invalid-ref', 'not-found', 'unsupported', 'permission-denied'] as const;
