import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSecretsError, type Provider, type SecretsError, systemClock } from '@keyturn/core/provider';
import { afterAll } from 'vitest';

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed after the tests of the file. */
export function newFolder(): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'mounted-files-'));
  folders.push(folder);
  return folder;
}

/** Call options with the real clock. */
export function realCall(signal: AbortSignal = new AbortController().signal) {
  return { clock: systemClock, signal };
}

/** The text of a reference to a single file. */
export async function textOf(provider: Provider, path: string): Promise<string> {
  const { data } = await provider.fetch({ path }, realCall());
  if (!(data instanceof Uint8Array)) throw new Error('not a single file');
  return Buffer.from(data).toString('utf8');
}

/** The fields of a reference to a folder, as text. */
export async function fieldsOf(provider: Provider, path: string): Promise<Record<string, string>> {
  const { data } = await provider.fetch({ path }, realCall());
  if (typeof data === 'string' || data instanceof Uint8Array) throw new Error('not a folder');
  return Object.fromEntries(
    Object.entries(data).map(([name, bytes]) => [name, Buffer.from(bytes as Uint8Array).toString('utf8')]),
  );
}

/** The error that a promise rejects with, which must be a SecretsError. */
export async function failureOf(work: Promise<unknown>): Promise<SecretsError> {
  const thrown = await work.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (!isSecretsError(thrown)) throw thrown;
  return thrown;
}

/** Waits until `condition` holds, asking again and again. Fails after the deadline. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 10_000,
): Promise<void> {
  const startMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startMs > deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await systemClock.sleep(1, { hold: true });
  }
}

/** A watch under way: counts its events, and what was fetched at each. */
export interface Observer extends AsyncDisposable {
  readonly events: () => number;
  /** Outcome of the fetch after each event, in order: the text, or the code of the error. */
  readonly seen: readonly string[];
}

/** Fetches once, then watches and fetches after each event, as the core does. */
export async function observe(
  provider: Provider,
  path: string,
  read: (provider: Provider, path: string) => Promise<string> = textOf,
): Promise<Observer> {
  const end = new AbortController();
  const seen: string[] = [];
  let events = 0;
  const outcome = () => read(provider, path).catch((error) => error.code as string);
  seen.push(await outcome());
  const running = (async () => {
    for await (const _ of provider.watch?.({ path }, realCall(end.signal)) ?? []) {
      events++;
      seen.push(await outcome());
    }
  })();
  return {
    events: () => events,
    seen,
    async [Symbol.asyncDispose]() {
      end.abort();
      await running;
    },
  };
}
