import { readFileSync, writeFileSync } from 'node:fs';
import type { Provider, ProviderRef, SecretVersion } from '@keyturn/core/provider';
import { systemClock } from '@keyturn/core/provider';
import { type ProviderUnderTest, testProvider } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';

/** A provider that has a line in `docs/providers.md`. */
export interface DocumentedProvider extends ProviderUnderTest {
  /** Writes bytes in the place of text, where the backend takes them. */
  putBytes?(name: string, bytes: Uint8Array): Promise<ProviderRef> | ProviderRef;
  /** The name of a stage that `ref` has now, where the backend has stages. */
  stage?(ref: ProviderRef): Promise<string> | string;
  /** The same provider, set up for a backend that is in several places. */
  several?(): Provider;
}

/** Where a line belongs, and what was called to fill it. */
export interface DocumentedLine {
  /** The folder of the package below `packages/providers`. */
  readonly folder: string;
  /** What of it, where there is more than one line: `KV v1`. */
  readonly part?: string;
  readonly backend: string;
}

const FILE = new URL('../../docs/providers.md', import.meta.url);

/** The columns that say what the conformance suite has seen to work, and which of its tests must have passed for it. */
const BY_SUITE: readonly RegExp[] = [/^fetchMany: /, /^list: /, /^watch: /, /^leases: /, /^session: /];

/**
 * Runs the conformance suite of providers, and compares the line of `docs/providers.md` with what it has seen. With
 * `KEYTURN_WRITE_DOCS=1` the line is written instead.
 *
 * A column of the suite is a yes when a test of it has passed: a provider without the method has those tests skipped.
 */
export function testDocumentedProvider(
  { folder, part, backend }: DocumentedLine,
  create: () => Promise<DocumentedProvider> | DocumentedProvider,
): void {
  const passed: string[] = [];
  const observed = (name: string, body: (context?: unknown) => Promise<void>) =>
    it(name, async (context) => {
      await body(context);
      passed.push(name);
    });
  const name = part === undefined ? folder : `${folder}: ${part}`;
  testProvider({ describe, it: observed }, `${name}, against ${backend}`, create);

  it(`${name} is in docs/providers.md as it was observed`, async () => {
    const bySuite = BY_SUITE.map((test) => passed.some((one) => test.test(one)));
    const own: boolean[] = [];
    // One after the other: some backends are one for a whole process.
    for (const observe of [olderVersion, stage, bytes, addresses]) {
      const underTest = await create();
      try {
        own.push(await observe(underTest));
      } finally {
        await underTest.provider.close?.();
        await underTest.stop?.();
      }
    }
    const cells = [...bySuite, ...own].map((isSeen) => (isSeen ? 'yes' : '–'));
    const label = `[${folder}](../packages/providers/${folder})${part === undefined ? '' : `, ${part}`}`;
    const line = `| ${[label, ...cells, backend].join(' | ')} |`;
    if (process.env.KEYTURN_WRITE_DOCS === '1') writeLine(`| ${label} |`, line);
    expect(readFileSync(FILE, 'utf8').split('\n')).toContain(line);
  });
}

const call = { clock: systemClock, signal: new AbortController().signal };

async function read({ provider }: ProviderUnderTest, ref: ProviderRef): Promise<SecretVersion> {
  const { session } = provider;
  if (session === undefined) return provider.fetch(ref, call);
  const { credential, revocable } = await session.login(call);
  try {
    return await provider.fetch(ref, { ...call, session: credential });
  } finally {
    if (revocable) await session.revoke?.(credential, call);
  }
}

const textOf = ({ data }: SecretVersion) =>
  typeof data === 'string' || data instanceof Uint8Array
    ? Buffer.from(data as Uint8Array).toString()
    : JSON.stringify(data);

async function olderVersion(underTest: DocumentedProvider): Promise<boolean> {
  const first = await read(underTest, await underTest.put('table-older', { value: 'one' }));
  const ref = await underTest.put('table-older', { value: 'two' });
  const older = await read(underTest, { ...ref, version: first.version }).catch(() => undefined);
  return older?.version === first.version && textOf(older).includes('one');
}

async function stage(underTest: DocumentedProvider): Promise<boolean> {
  const ref = await underTest.put('table-stage', { value: 'staged' });
  const name = await underTest.stage?.(ref);
  return name !== undefined && textOf(await read(underTest, { ...ref, stage: name })).includes('staged');
}

async function bytes(underTest: DocumentedProvider): Promise<boolean> {
  const written = new Uint8Array([0, 255, 13, 10, 128]);
  const ref = await underTest.putBytes?.('table-bytes', written);
  const data = ref && (await read(underTest, ref)).data;
  return data instanceof Uint8Array && Buffer.from(written).equals(data);
}

async function addresses({ several }: DocumentedProvider): Promise<boolean> {
  const provider = several?.();
  await provider?.close?.();
  return (provider?.addresses?.length ?? 0) > 1;
}

/** Puts `line` in the place of the one that begins alike, or at the end of the table. */
function writeLine(beginning: string, line: string): void {
  const lines = readFileSync(FILE, 'utf8').split('\n');
  const place = lines.findIndex((one) => one.startsWith(beginning));
  if (place >= 0) lines[place] = line;
  else lines.splice(lines.findLastIndex((one) => one.startsWith('|')) + 1, 0, line);
  writeFileSync(FILE, lines.join('\n'));
}
