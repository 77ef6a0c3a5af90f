import { isSecretsError, type SecretsError } from '../errors/secrets-error.js';
import type { CallOptions, Provider, ProviderRef, SecretVersion } from '../provider/contract.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/system-clock.js';
import { leakProbe } from './leak-probe.js';
import { assert, rejection, type TestFunctions } from './test-functions.js';

/** A provider before a backend that the suite may write to. */
export interface ProviderUnderTest {
  readonly provider: Provider;
  /** Default the host's clock. */
  readonly clock?: Clock;
  /** Writes `fields` at a path of the suite's choice below `name`; resolves with what to ask for. */
  put(name: string, fields: Readonly<Record<string, string>>): Promise<ProviderRef>;
  /** What to ask for to be given a new lease each time, where the backend has leases. */
  readonly leased?: ProviderRef;
  /** Called at the end of each test, after `provider.close()`. */
  stop?(): Promise<void>;
}

/** Holds no value of any real system; the suite looks for it everywhere. */
const CANARY = 'canary-5c1d77e2';

/**
 * The conformance suite of providers: what the core relies on, tested against a real backend wherever there is
 * one. An optional method is tested when the provider has it.
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * testProvider({ describe, it }, 'memory', async () => {
 *   const provider = memoryProvider({ clock: systemClock });
 *   return { provider, put: async (name, fields) => { provider.set(name, fields); return { path: name }; } };
 * });
 * ```
 */
export function testProvider(
  { describe, it }: TestFunctions,
  name: string,
  create: () => Promise<ProviderUnderTest>,
): void {
  /** A test with a provider of its own, whose every answer and error is looked into for the canary. */
  const test = (what: string, body: (kit: Kit) => Promise<void>) =>
    it(what, async () => {
      const underTest = await create();
      const kit = await kitOf(underTest);
      try {
        await body(kit);
        kit.probe.inspect(underTest.provider, 'the provider');
        kit.probe.assertClean();
      } finally {
        kit.probe.stop();
        await kit.end();
        await underTest.provider.close?.();
        await underTest.stop?.();
      }
    });

  describe(`provider conformance: ${name}`, () => {
    test('has a name', async ({ provider }) => {
      assert(/^[a-z][a-z0-9-]*$/.test(provider.name), 'name must be lower-case words with dashes');
    });

    test('fetch gives what was put, with a version', async ({ put, fetch }) => {
      const answer = await fetch(await put('suite-read', { password: CANARY, user: 'app' }));
      assert(answer.version !== '', 'version must not be empty');
      assert(fieldsOf(answer).password === CANARY, 'the field must be the one that was put');
      assert(fieldsOf(answer).user === 'app', 'every field must be there');
    });

    test('the same data has the same version, other data another', async ({ put, fetch }) => {
      const ref = await put('suite-version', { password: CANARY });
      const [one, again] = [await fetch(ref), await fetch(ref)];
      assert(one.version === again.version, 'two reads of one version must have one id');
      await put('suite-version', { password: `${CANARY}-2` });
      const other = await fetch(ref);
      assert(other.version !== one.version, 'a new value must have a new version');
      assert(fieldsOf(other).password === `${CANARY}-2`, 'the new value must be read');
      assert(!other.version.includes(CANARY), 'a version must not hold the value');
    });

    test('what is not there is not-found', async ({ put, failure, fetch }) => {
      const { path } = await put('suite-missing', { password: CANARY });
      const error = await failure(() => fetch({ path: `${path}-that-is-not-there` }));
      assert(error.code === 'not-found', `must be not-found, but is ${error.code}`);
      assert(error.remedy !== '', 'an error must say what to do');
    });

    for (const path of ['../up', 'a/../../up', 'a//b', 'a/./b', 'a\u0000b']) {
      test(`a path that leads elsewhere is refused: ${JSON.stringify(path)}`, async ({ failure, fetch }) => {
        const error = await failure(() => fetch({ path }));
        assert(['invalid-ref', 'not-found'].includes(error.code), `must be refused, but is ${error.code}`);
      });
    }

    test('an aborted fetch rejects promptly with a SecretsError or the reason', async ({
      put,
      options,
      provider,
    }) => {
      const ref = await put('suite-abort', { password: CANARY });
      const reason = new Error('the caller left');
      const error = await rejection(
        () => provider.fetch(ref, { ...options, signal: AbortSignal.abort(reason) }),
        'fetch with an aborted signal',
      );
      assert(error === reason || isSecretsError(error), 'must reject with the reason or a SecretsError');
    });

    test('many fetches at once each get their own answer', async ({ put, fetch }) => {
      const refs = await Promise.all(
        Array.from({ length: 8 }, (_, n) => put(`suite-many-${n}`, { password: `${CANARY}-${n}` })),
      );
      const answers = await Promise.all(refs.map((ref) => fetch(ref)));
      answers.forEach((answer, n) => {
        assert(fieldsOf(answer).password === `${CANARY}-${n}`, 'an answer went to another call');
      });
    });

    test('fetchMany keeps the order and gives each its own error', async ({ provider, put, options }) => {
      if (provider.fetchMany === undefined) return;
      const here = await put('suite-batch', { password: CANARY });
      const missing = { path: `${here.path}-that-is-not-there` };
      const [one, two, three] = await provider.fetchMany([here, missing, here], options);
      assert(
        !isSecretsError(one) && one !== undefined && fieldsOf(one).password === CANARY,
        'the first is there',
      );
      assert(isSecretsError(two) && two.code === 'not-found', 'the second is not-found');
      assert(!isSecretsError(three) && three !== undefined, 'the third is there');
    });

    test('leases: each fetch a new one; renewed, revoked twice, then lost', async (kit) => {
      const { provider, leased, fetch, failure, options } = kit;
      if (leased === undefined) return;
      const [one, two] = [await fetch(leased), await fetch(leased)];
      assert(one.version !== two.version, 'each lease must be a version of its own');
      const { ttlMs, handle } = one.lease ?? {};
      assert(
        ttlMs !== undefined && ttlMs > 0 && handle !== undefined,
        'a lease must have a ttl and a handle',
      );
      if (provider.renew !== undefined && handle.renewable) {
        const renewed = await provider.renew(handle.id, { ...options, ttlMs });
        assert(renewed.ttlMs > 0, 'a renewal must grant time');
      }
      if (provider.revoke === undefined) return;
      await provider.revoke(handle.id, options);
      await provider.revoke(handle.id, options);
      if (provider.renew === undefined) return;
      const error = await failure(
        () => provider.renew?.(handle.id, { ...options, ttlMs }) as Promise<unknown>,
      );
      assert(
        error.code === 'lease-lost',
        `renewing a revoked lease must be lease-lost, but is ${error.code}`,
      );
    });

    test('list names what was put', async ({ provider, put, options }) => {
      if (provider.list === undefined) return;
      const { path } = await put('suite-list/one', { password: CANARY });
      const folder = path.slice(0, path.lastIndexOf('/') + 1);
      const found: string[] = [];
      for await (const ref of provider.list(folder, options)) found.push(ref.path);
      assert(found.includes(path), `must name ${path}`);
    });

    test('watch tells of a change since the last fetch, and ends when it is aborted', async ({
      provider,
      put,
      fetch,
      options,
    }) => {
      if (provider.watch === undefined) return;
      const ref = await put('suite-watch', { password: CANARY });
      await fetch(ref);
      const ending = new AbortController();
      const hints = provider.watch(ref, { ...options, signal: ending.signal })[Symbol.asyncIterator]();
      const hint = hints.next();
      await put('suite-watch', { password: `${CANARY}-2` });
      assert((await hint).done === false, 'a change must be told of');
      const last = hints.next();
      ending.abort();
      for (let next = await last; next.done === false; next = await hints.next());
    });

    test('the session lives, and is dead after its revocation', async ({ provider, session, base }) => {
      const contract = provider.session;
      if (contract === undefined || session === undefined) return;
      const isAlive = async () => (await contract.isAlive?.(session.credential, base)) ?? true;
      assert(await isAlive(), 'a new login must be alive');
      if (!session.revocable || contract.revoke === undefined) return;
      await contract.revoke(session.credential, base);
      await contract.revoke(session.credential, base);
      if (contract.isAlive !== undefined) assert(!(await isAlive()), 'a revoked login must be dead');
    });
  });
}

type Kit = Awaited<ReturnType<typeof kitOf>>;

async function kitOf({ provider, clock = systemClock, put, leased }: ProviderUnderTest) {
  const probe = leakProbe([CANARY]);
  const base = { signal: new AbortController().signal, clock };
  const session = await provider.session?.login(base);
  const options: CallOptions = { ...base, ...(session && { session: session.credential }) };
  return {
    provider,
    put,
    leased,
    base,
    session,
    options,
    probe,
    fetch: (ref: ProviderRef) => provider.fetch(ref, options),
    /** What `call` rejects with: always a SecretsError that shows nothing. */
    async failure(call: () => Promise<unknown>): Promise<SecretsError> {
      const error = await rejection(call, 'the call');
      probe.inspect(error, 'an error');
      assert(isSecretsError(error), 'a provider must reject only with SecretsError');
      return error;
    },
    async end() {
      if (session?.revocable) await provider.session?.revoke?.(session.credential, base);
    },
  };
}

/** The fields of an answer, as the core would see them: a JSON object in a text counts. */
function fieldsOf({ data }: SecretVersion): Record<string, unknown> {
  if (typeof data === 'string') return JSON.parse(data) as Record<string, unknown>;
  if (data instanceof Uint8Array)
    return JSON.parse(Buffer.from(data).toString('utf8')) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    ]),
  );
}
