import { createHash } from 'node:crypto';
import type { SecretVersion } from '../../provider/contract.js';
import { assertThat } from '../assert-that.js';
import { fieldsOf, sameFields } from './provider-bench.js';
import type { ProviderCheck } from './provider-check.js';

/** Characters that encodings, templates and shells like to change. */
const AWKWARD = ' "quotes" \\ back/slash %41 {{x}} $HOME \t tab, ümläut, 漢字, 😀\nsecond line ';

/** What `fetch` gives. */
export const READING_CHECKS: readonly ProviderCheck[] = [
  {
    name: 'fetch gives what was written, all of it and nothing else',
    async run(bench) {
      const { ref, fields } = await bench.put('suite-read');
      assertThat(
        sameFields(fieldsOf(await bench.fetch(ref)), fields),
        'the fields must be those that were written',
      );
    },
  },
  {
    name: 'fetch gives every character as it was written',
    async run(bench) {
      const fields = { text: `${bench.secretValue()}${AWKWARD}` };
      const ref = await bench.underTest.put('suite-characters', fields);
      assertThat(sameFields(fieldsOf(await bench.fetch(ref)), fields), 'a character was changed');
    },
  },
  {
    name: 'fetch asks the backend each time: what was written last is what the next one gives',
    async run(bench) {
      for (let turn = 0; turn < 3; turn++) {
        const { ref, fields } = await bench.put('suite-fresh');
        assertThat(sameFields(fieldsOf(await bench.fetch(ref)), fields), 'an older value was given');
      }
    },
  },
  {
    name: 'a value that stays has a version that stays',
    async run(bench) {
      const { ref } = await bench.put('suite-same');
      const [one, again] = [await bench.fetch(ref), await bench.fetch(ref)];
      assertThat(one.version === again.version, 'two reads of one version must have one id');
    },
  },
  {
    name: 'a value that changes has a version that changes, and no version ever stands for two values',
    async run(bench) {
      const values = [bench.secretValue(), bench.secretValue(), bench.secretValue()];
      const byVersion = new Map<string, string>();
      let before: SecretVersion | undefined;
      for (const place of [0, 1, 0, 2, 1]) {
        const password = values[place] ?? '';
        const answer = await bench.fetch(await bench.underTest.put('suite-versions', { password }));
        assertThat(answer.version !== before?.version, 'a new value must have a new version');
        const known = byVersion.get(answer.version) ?? password;
        assertThat(known === password, 'a version that stood for one value must not stand for another');
        byVersion.set(answer.version, password);
        before = answer;
      }
    },
  },
  {
    name: 'a version tells nothing about the value: it is no plain hash of it',
    async run(bench) {
      const { ref } = await bench.put('suite-hash');
      const answer = await bench.fetch(ref);
      const version = answer.version.toLowerCase();
      const hash = digestsOf(answer).find((digest) => version.includes(digest.slice(0, 10).toLowerCase()));
      assertThat(
        hash === undefined,
        'a short password can be guessed from its hash: key it (HMAC), or count',
      );
    },
  },
  {
    name: 'metadata is text',
    async run(bench) {
      const { ref } = await bench.put('suite-metadata');
      const { metadata = {} } = await bench.fetch(ref);
      const isText = Object.values(metadata).every((fact) => typeof fact === 'string');
      assertThat(isText, 'every fact of metadata must be a text');
    },
  },
  {
    name: 'many fetches at once each get their own answer',
    async run(bench) {
      const written = await Promise.all(
        [0, 1, 2, 3, 4, 5].map((number) => bench.put(`suite-many-${number}`)),
      );
      const asked = Array.from({ length: 24 }, (_, place) => written[place % written.length]);
      const answers = await Promise.all(asked.map((one) => one && bench.fetch(one.ref)));
      answers.forEach((answer, place) => {
        const fields = asked[place]?.fields ?? {};
        assertThat(
          answer !== undefined && sameFields(fieldsOf(answer), fields),
          'an answer went to another call',
        );
      });
    },
  },
  {
    name: 'what is not there is not-found',
    async run(bench) {
      const { ref } = await bench.put('suite-missing');
      const missing = { path: `${ref.path}-that-is-not-there` };
      await bench.failure(() => bench.fetch(missing), 'to fetch what is not there', ['not-found']);
    },
  },
  {
    name: 'what was removed is not-found',
    needs: ['remove'],
    async run(bench) {
      const { ref } = await bench.put('suite-removed');
      await bench.fetch(ref);
      await bench.underTest.remove?.(ref);
      await bench.failure(() => bench.fetch(ref), 'to fetch what was removed', ['not-found']);
    },
  },
  {
    name: 'a version or stage that it cannot give is refused, never ignored',
    async run(bench) {
      const { ref } = await bench.put('suite-qualified');
      const refusals = ['not-found', 'unsupported', 'invalid-ref'] as const;
      for (const qualified of [
        { ...ref, version: '99999999' },
        { ...ref, stage: 'suite-no-such-stage' },
      ]) {
        const what = `to fetch with ${'stage' in qualified ? 'a stage' : 'a version'} that is not there`;
        await bench.failure(() => bench.fetch(qualified), what, refusals);
      }
    },
  },
  {
    name: 'an older version, where it can be asked for, is that version',
    async run(bench) {
      const { ref, fields } = await bench.put('suite-older');
      const { version } = await bench.fetch(ref);
      await bench.put('suite-older');
      const older = await bench.settled(bench.fetch({ ...ref, version }), 'to fetch an older version');
      if (older.status === 'rejected') return;
      assertThat(sameFields(fieldsOf(older.value), fields), 'the older version must be given, or none');
      assertThat(older.value.version === version, 'its version must be the one that was asked for');
    },
  },
];

/** The hashes that people make of a value, of its fields, or of its JSON. */
function digestsOf({ data }: SecretVersion): string[] {
  const isSingle = typeof data === 'string' || data instanceof Uint8Array;
  const sources = isSingle
    ? [data]
    : [JSON.stringify(data), ...Object.values(fieldsOf({ data, version: '' }))];
  return sources.flatMap((source) =>
    ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) => {
      const digest = createHash(algorithm).update(source).digest();
      return [digest.toString('hex'), digest.toString('base64'), digest.toString('base64url')];
    }),
  );
}
