import { createSecrets } from '../create-secrets.js';
import type { Consumer, Consumption, SecretSource } from '../lease/consumer.js';
import type { SecretInput } from '../model/template.js';
import type { Secrets } from '../secrets.js';
import type { HostClock } from '../time/clock.js';
import type { Duration } from '../time/duration.js';
import { systemClock } from '../time/system-clock.js';
import { type ChaosProvider, chaosProvider } from './chaos-provider.js';
import type { SecretData } from './memory/secret-shelf.js';
import { type MemoryProvider, memoryProvider } from './memory-provider.js';

/** What {@link testSource} takes besides the first data. */
export interface TestSourceOptions {
  /** Default the host's. */
  readonly clock?: HostClock;
  /** How long consumers may take to prove a version. Default 10 seconds. */
  readonly proofTimeout?: Duration;
  /** How long they may take to let go of one. Default 30 seconds. */
  readonly drainTimeout?: Duration;
  /** Called when a version's lease is revoked, after its drain: the moment to end it at a real backend. */
  readonly onRevoke?: (data: SecretData) => void | Promise<void>;
}

/** A source of one secret that a test rotates by hand. */
export interface TestSource extends SecretSource {
  /** What to consume: the reference of the one secret. */
  readonly ref: string;
  /** How many versions have been in service. */
  readonly published: number;
  /** How often the store was asked for a version: by a first use, a rotation, or a consumer whose version is refused. */
  readonly fetched: number;
  /** How many consumers there are. */
  readonly consumers: number;
  /**
   * A whole rotation: every consumer proves the new version, it is published, everybody lets go of the old one, and
   * that is revoked. Resolves then.
   *
   * @throws SecretsError `invalid-value`, with the old version in service, when a consumer cannot use the new one
   */
  rotate(data: SecretData): Promise<void>;
  /** As `rotate`, but resolves as soon as the new version is in service; `drained` when the old one is revoked. */
  publish(data: SecretData): Promise<{ readonly drained: Promise<void> }>;
  /**
   * The store hands out `data` from now on and tells nobody: a rotation that was missed. Who says that its version is
   * refused is given it.
   */
  offer(data: SecretData): void;
  /** Makes the store fail, hang and heal. */
  readonly chaos: ChaosProvider;
  /** The store itself: `liveLeases()` are the versions that nobody has let go of yet. */
  readonly store: MemoryProvider;
  /** What stands on the store: events, inventory, health. */
  readonly secrets: Secrets;
  /** Has every consumer let go, revokes what is left, and closes. Idempotent. */
  close(): Promise<void>;
}

const PATH = 'secret';
const REF = `test:${PATH}`;
/** Longer than any test, and within what a host timer can wait. */
const TTL_MS = 20 * 24 * 3_600_000;

/**
 * A source of secrets for tests of an integration. No imitation: it is what `createSecrets` makes, over a store in
 * memory that hands out a new leased version at each fetch, so that what holds before it holds in production.
 *
 * ```ts
 * const source = testSource({ username: 'app', password: 'one' });
 * const client = rotating(source, source.ref, { open, close });
 * await client.current();
 * await source.rotate({ username: 'app', password: 'two' });
 * await source.close();
 * ```
 */
export function testSource(first: SecretData, options: TestSourceOptions = {}): TestSource {
  const { clock = systemClock, proofTimeout, drainTimeout, onRevoke } = options;
  const made: SecretData[] = [];
  let offered = first;
  let published = 0;

  const store = memoryProvider({
    clock,
    onRevoke: ({ version }) => onRevoke?.(made[Number(version.replace(/^\D+/, '')) - 1] ?? offered),
  });
  store.lease(PATH, {
    ttlMs: TTL_MS,
    renewable: false,
    make(n) {
      made[n - 1] = offered;
      return offered;
    },
  });
  const chaos = chaosProvider(store, { clock });
  const secrets = createSecrets({
    providers: { test: chaos },
    clock,
    rotation: {
      ...(proofTimeout === undefined ? {} : { proofTimeout }),
      ...(drainTimeout === undefined ? {} : { drainTimeout }),
    },
  });
  for (const event of ['secret-loaded', 'secret-rotated'] as const) secrets.on(event, () => void published++);
  // A failure is the caller's own doing here, and must not become a process warning.
  secrets.on('refresh-failed', () => {});

  const revoked = (version: string | undefined): Promise<void> =>
    version === undefined
      ? Promise.resolve()
      : new Promise((resolve) => {
          const ignore = secrets.on('lease-revoked', (event) => {
            if (event.version !== version) return;
            ignore();
            resolve();
          });
        });

  const source: TestSource = {
    ref: REF,
    get published() {
      return published;
    },
    get fetched() {
      return store.count('fetch');
    },
    get consumers() {
      return secrets.inventory()[0]?.consumers.total ?? 0;
    },
    async rotate(data) {
      const { drained } = await source.publish(data);
      await drained;
    },
    async publish(data) {
      const before = offered;
      offered = data;
      const drained = revoked(secrets.peekSecret(REF)?.version);
      try {
        await secrets.rotate(REF);
      } catch (error) {
        offered = before;
        throw error;
      }
      return { drained };
    },
    offer(data) {
      offered = data;
    },
    chaos,
    store,
    secrets,
    consume: (input: SecretInput, consumer: Consumer): Consumption => secrets.consume(input, consumer),
    close: () => secrets.close(),
  };
  return source;
}
