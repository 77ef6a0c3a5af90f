import type { SecretSource } from '../lease/consumer.js';
import { leakProbe } from './leak-probe.js';
import { assert, type TestFunctions } from './test-functions.js';
import { type TestSource, testSource } from './test-source.js';

/** A user name and password at a real backend. */
export type Credential = { readonly username: string; readonly password: string };

/** An integration before a backend whose credentials the suite may change. */
export interface IntegrationUnderTest {
  /** Makes a credential that the backend accepts, and resolves with it. */
  createCredential(): Promise<Credential>;
  /** Ends a credential at the backend, as the store does when its lease is revoked. */
  dropCredential(credential: Credential): Promise<void>;
  /** How many connections the backend counts now. */
  connections(): Promise<number>;
  /** The most connections that the integration is configured to open. */
  readonly max: number;
  /** Opens what the integration makes, on `source`. */
  open(source: SecretSource): {
    /** Does one thing at the backend. */
    use(): Promise<void>;
    /** Begins something that takes until `finish` is called. */
    begin(): Promise<{ finish(): Promise<void> }>;
    close(): Promise<void>;
    /** Everything that the integration hands out, to be looked into for leaks. */
    readonly exposed: readonly unknown[];
  };
  /** Called at the end of each test. */
  stop?(): Promise<void>;
}

/**
 * The suite that every integration passes: nothing fails while credentials rotate under load, the limit on
 * connections holds, a bad credential changes nothing, what is busy survives a swap, a missed rotation heals, and
 * closing closes.
 *
 * ```ts
 * testIntegration({ describe, it }, 'pg', async () => ({ createCredential, …, open: (source) => … }));
 * ```
 */
export function testIntegration(
  { describe, it }: TestFunctions,
  name: string,
  create: () => Promise<IntegrationUnderTest>,
): void {
  const test = (what: string, body: (kit: Kit) => Promise<void>) =>
    it(what, async () => {
      const underTest = await create();
      const kit = await kitOf(underTest);
      try {
        await body(kit);
        for (const thing of kit.opened.exposed) kit.probe().inspect(thing, 'what the integration hands out');
        kit.probe().assertClean();
      } finally {
        kit.probe().stop();
        await kit.opened.close();
        await underTest.stop?.();
      }
    });

  describe(`integration conformance: ${name}`, () => {
    test('nothing fails while credentials rotate under load, and the limit on connections holds', async (kit) => {
      const load = startLoad(kit.opened.use, 2 * kit.underTest.max);
      let peak = 0;
      for (let rotation = 0; rotation < 20; rotation++) {
        await kit.rotate();
        peak = Math.max(peak, await kit.underTest.connections());
      }
      const { done, failures } = await load.stop();
      assert(failures.length === 0, `${failures.length} of ${done} operations failed`);
      assert(done > 0, 'the load did nothing');
      assert(peak <= kit.underTest.max, `${peak} connections were open, at most ${kit.underTest.max} may be`);
    });

    test('a new credential that does not work leaves the old one in service', async (kit) => {
      await kit.opened.use();
      const isRefused = await kit.source
        .rotate({ username: kit.current().username, password: 'not-the-password' })
        .then(
          () => false,
          () => true,
        );
      assert(isRefused, 'the rotation must be refused');
      for (let n = 0; n < 2 * kit.underTest.max; n++) await kit.opened.use();
    });

    test('what is busy survives a swap', async (kit) => {
      const busy = await kit.opened.begin();
      const { version } = kit.source;
      const rotated = kit.rotate();
      while (kit.source.version === version) await turn();
      for (let turns = 0; turns < 5; turns++) await turn();
      await kit.opened.use();
      await busy.finish();
      await rotated;
      await kit.opened.use();
    });

    test('a rotation that was missed heals itself, by one replacement', async (kit) => {
      await kit.opened.use();
      const next = await kit.underTest.createCredential();
      kit.follow(next);
      kit.source.onReplace(() => ({ ...next }));
      await kit.underTest.dropCredential(kit.first);
      await Promise.all(Array.from({ length: 2 * kit.underTest.max }, () => kit.opened.use()));
    });

    test('closing closes every connection, twice is once', async (kit) => {
      await kit.opened.use();
      await kit.opened.close();
      await kit.opened.close();
      assert((await kit.underTest.connections()) === 0, 'connections are left');
    });
  });
}

type Kit = Awaited<ReturnType<typeof kitOf>>;

async function kitOf(underTest: IntegrationUnderTest) {
  const first = await underTest.createCredential();
  const passwords = [first.password];
  const source: TestSource = testSource({ ...first });
  const opened = underTest.open(source);
  let current = first;
  let probe: ReturnType<typeof leakProbe> | undefined;
  return {
    underTest,
    source,
    opened,
    first,
    current: () => current,
    follow(next: Credential) {
      current = next;
      passwords.push(next.password);
    },
    /** A whole rotation: a new credential, the old one drained, then ended. */
    async rotate(): Promise<void> {
      const old = current;
      const next = await underTest.createCredential();
      await source.rotate({ ...next });
      this.follow(next);
      await underTest.dropCredential(old);
    },
    /** Looks for every password so far; made when it is needed, since rotations add to them. */
    probe: () => (probe ??= leakProbe(passwords)),
  };
}

/** Lets what is under way go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function startLoad(use: () => Promise<void>, workers: number) {
  const failures: unknown[] = [];
  let done = 0;
  let running = true;
  const working = Array.from({ length: workers }, async () => {
    while (running) {
      await use().then(
        () => done++,
        (error) => failures.push(error),
      );
    }
  });
  return {
    async stop() {
      running = false;
      await Promise.all(working);
      return { done, failures };
    },
  };
}
