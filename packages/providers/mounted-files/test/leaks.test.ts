import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type ProviderRef, SecretsError, systemClock } from '@keyturn/core/provider';
import { expect, test } from 'vitest';
import { mountedFiles } from '../src/index.js';
import { newFolder, observe, realCall, until } from './workspace.js';

const CANARY = 'canary-5f0c1e9a7d';

/** Every way in which a program prints something that it holds. */
function printed(thing: unknown): string {
  return [
    inspect(thing, { depth: Infinity, showHidden: true, getters: true }),
    JSON.stringify(thing),
    String(thing),
    thing instanceof Error ? `${thing.stack} ${thing.message} ${inspect(thing.cause)}` : '',
  ].join('\n');
}

test('F49: neither the provider nor its errors show a value', async () => {
  const root = newFolder();
  mkdirSync(join(root, 'db'));
  writeFileSync(join(root, 'db/password'), CANARY);
  writeFileSync(join(root, 'db/blank'), '');
  writeFileSync(join(root, 'large'), CANARY.repeat(10));
  writeFileSync(join(root, 'good'), CANARY);
  const provider = mountedFiles({ root, maxBytes: 100, pollInterval: '100ms' });

  const watch = await observe(provider, 'good');
  expect(watch.seen).toEqual([CANARY]);
  writeFileSync(join(root, 'good'), `${CANARY}-2`);
  await until(() => watch.seen.length === 2, 'the change');
  await watch[Symbol.asyncDispose]();

  const refs: ProviderRef[] = [
    { path: 'db' },
    { path: 'large' },
    { path: 'missing' },
    { path: 'good/below' },
    { path: 'good', version: '1' },
    { path: '../up' },
  ];
  const errors = await Promise.all(
    refs.map((ref) =>
      provider.fetch(ref, realCall()).then(
        () => expect.unreachable(),
        (error: unknown) => error,
      ),
    ),
  );
  const restless = {
    ...systemClock,
    sleep: async () => writeFileSync(join(root, 'good'), `${CANARY}${Math.random()}`),
  };
  errors.push(
    await provider
      .fetch({ path: 'good' }, { clock: restless, signal: new AbortController().signal })
      .catch((error) => error),
  );
  for (const error of errors) {
    expect(error).toBeInstanceOf(SecretsError);
    expect(printed(error)).not.toContain(CANARY);
    expect((error as SecretsError).remedy).not.toBe('');
  }
  expect(new Set(errors.map((error) => (error as SecretsError).code))).toEqual(
    new Set(['bad-response', 'not-found', 'unsupported', 'invalid-ref', 'unavailable']),
  );
  expect(printed(provider)).not.toContain(CANARY);
  expect(printed(provider)).toContain('mounted-files');
});
