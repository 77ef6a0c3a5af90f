import type { Consumer, Consumption, SecretSource } from '../lease/consumer.js';
import { Secret } from '../model/secret.js';
import { SecretValue } from '../model/secret-value.js';
import type { SecretInput } from '../model/template.js';
import type { SecretVersion } from '../provider/contract.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/system-clock.js';

/** A source of one secret that a test rotates by hand. */
export interface TestSource extends SecretSource {
  /**
   * Rotates as Keyturn does: every consumer proves the new version, then it is published, then the old one is
   * drained. Resolves when all have let go of the old one; rejects, with the old one in service, when one refuses.
   */
  rotate(data: SecretVersion['data']): Promise<void>;
  /** Where versions that are asked for by `Consumption.replace` come from. Without, the same one is given again. */
  onReplace(make: () => SecretVersion['data'] | Promise<SecretVersion['data']>): void;
  /** How many versions have been in service. */
  readonly version: number;
  /** How often a consumer said that the backend refuses its version. */
  readonly replacements: number;
  /** Has every consumer let go, as `secrets.close()` does. */
  close(): Promise<void>;
}

/**
 * The contract of {@link SecretSource} without stores, leases or time: for unit tests of an integration.
 *
 * ```ts
 * const source = testSource({ username: 'app', password: 'one' });
 * const client = rotating(source, 'test:db', { open, close });
 * await source.rotate({ username: 'app', password: 'two' });
 * ```
 */
export function testSource(first: SecretVersion['data'], clock: Clock = systemClock): TestSource {
  let version = 1;
  let data = first;
  let replacements = 0;
  let make = (): SecretVersion['data'] | Promise<SecretVersion['data']> => data;
  let rotation: Promise<void> | undefined;
  const consumers = new Map<Consumer, { adopted: number; catchingUp: Promise<void> | undefined }>();
  const { signal } = new AbortController();

  const secretOf = (content: SecretVersion['data'], number: number) =>
    new Secret(
      'test:secret',
      SecretValue.wrap(content),
      {
        version: String(number),
        sentMonotonicMs: clock.monotonicMs(),
        expiresWallMs: undefined,
        staleReason: undefined,
        metadata: {},
      },
      clock,
    );

  async function rotate(next: SecretVersion['data']): Promise<void> {
    const number = version + 1;
    const secret = secretOf(next, number);
    const all = [...consumers.keys()];
    const proofs = await Promise.allSettled(all.map(async (consumer) => consumer.prepare?.(secret, signal)));
    const refusal = proofs.find((proof) => proof.status === 'rejected');
    if (refusal !== undefined) {
      const proven = all.filter((_, place) => proofs[place]?.status === 'fulfilled');
      await Promise.allSettled(proven.map(async (consumer) => consumer.discard?.(secret)));
      throw refusal.reason;
    }
    version = number;
    data = next;
    const drained = all.map(async (consumer) => {
      const state = consumers.get(consumer);
      if (state !== undefined) state.adopted = number;
      await consumer.adopt(secret, signal);
    });
    await Promise.allSettled(drained);
  }

  async function catchUp(consumer: Consumer): Promise<void> {
    const state = consumers.get(consumer);
    if (state === undefined || state.adopted === version) return;
    state.catchingUp ??= (async () => {
      const [number, secret] = [version, secretOf(data, version)];
      await consumer.prepare?.(secret, signal);
      state.adopted = number;
      Promise.resolve(consumer.adopt(secret, signal)).catch(() => {});
    })().finally(() => {
      state.catchingUp = undefined;
    });
    await state.catchingUp;
  }

  return {
    rotate(next) {
      rotation = (rotation ?? Promise.resolve()).catch(() => {}).then(() => rotate(next));
      return rotation;
    },
    onReplace(how) {
      make = how;
    },
    get version() {
      return version;
    },
    get replacements() {
      return replacements;
    },
    async close() {
      await Promise.allSettled([...consumers.keys()].map(async (consumer) => consumer.release?.(signal)));
      consumers.clear();
    },
    consume(_input: SecretInput, consumer: Consumer): Consumption {
      consumers.set(consumer, { adopted: 0, catchingUp: undefined });
      let replacing: Promise<void> | undefined;
      return {
        async current() {
          await catchUp(consumer);
          return secretOf(data, version);
        },
        async replace(refused) {
          replacements++;
          if (refused === String(version)) {
            replacing ??= (async () => {
              const next = await make();
              if (next !== data) await rotate(next);
            })().finally(() => {
              replacing = undefined;
            });
            await replacing;
          }
          await catchUp(consumer);
          return secretOf(data, version);
        },
        close: () => void consumers.delete(consumer),
      };
    },
  };
}
