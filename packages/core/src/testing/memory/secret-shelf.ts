import type { ProviderRef, SecretVersion } from '../../provider/contract.js';
import type { Clock } from '../../time/clock.js';
import type { LeaseTerms } from './lease-book.js';
import { storeFailure } from './store-failure.js';

/** Text, bytes or named fields. */
export type SecretData = SecretVersion['data'];

/** What a plain secret is written with. */
export interface PlainTerms {
  /** Absent: no lease. Without `renewable`, a lease that has no id, such as a certificate's. */
  readonly ttlMs?: number;
  /** Gives the lease an id; whether it can be renewed. */
  readonly renewable?: boolean;
  readonly maxTtlMs?: number;
  /** `rotates`: the store replaces the value at the end of the ttl; the test does so by another `set`. */
  readonly end?: 'expires' | 'rotates';
  /** Default: 1, 2, 3, … for each path. */
  readonly version?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A path at which each fetch makes a new credential with a lease, as a database engine does. */
export interface LeasedPath extends LeaseTerms {
  /** The credential of the `n`th fetch of this path, from 1 on. */
  readonly make: (n: number) => SecretData;
}

/** A path whose value the store replaces by itself, as a static role does. */
export interface RotatingPath {
  readonly periodMs: number;
  /** How long after the announced moment the value really changes. Default 0. */
  readonly lateMs?: number;
  /** The value of the `n`th period, from 1 on. */
  readonly make: (n: number) => SecretData;
}

/** A version as it lies on the shelf; `terms` ask for a lease in the book. */
export interface ShelvedVersion {
  readonly data: SecretData;
  readonly version: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** A lease without an id. */
  readonly lease?: { readonly ttlMs: number; readonly end?: 'expires' | 'rotates' };
  /** A lease with one. */
  readonly terms?: LeaseTerms;
}

interface Slot {
  read(ref: ProviderRef): ShelvedVersion;
  /** Replaces the value now; undefined where that needs data. */
  rotate?(): void;
}

/** What a store holds, by path. */
export class SecretShelf {
  readonly #slots = new Map<string, Slot>();
  readonly #plain = new Map<string, ShelvedVersion[]>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get paths(): readonly string[] {
    return [...this.#slots.keys()];
  }

  /** Writes another version; the ones before can still be read by their version. */
  set(path: string, data: SecretData, { version, metadata, ...lease }: PlainTerms): string {
    const versions = this.#plain.get(path) ?? [];
    const id = version ?? String(versions.length + 1);
    versions.push({ data, version: id, ...(metadata && { metadata }), ...leaseOf(lease) });
    this.#plain.set(path, versions);
    this.#slots.set(path, {
      read(ref) {
        const found = ref.version === undefined ? versions.at(-1) : findVersion(versions, ref.version);
        if (found === undefined) throw storeFailure('not-found');
        return found;
      },
    });
    return id;
  }

  lease(path: string, { make, ...terms }: LeasedPath): void {
    let made = 0;
    this.#put(path, {
      read(ref) {
        refuseVersion(ref);
        made++;
        return { data: make(made), version: `lease-${made}`, terms };
      },
      rotate() {},
    });
  }

  rotates(path: string, { periodMs, lateMs = 0, make }: RotatingPath): void {
    const clock = this.#clock;
    let startMs = clock.monotonicMs();
    let before = 0;
    const passed = (lagMs: number) =>
      Math.floor(Math.max(0, clock.monotonicMs() - startMs - lagMs) / periodMs);
    this.#put(path, {
      read(ref) {
        refuseVersion(ref);
        const number = before + passed(lateMs) + 1;
        const leftMs = periodMs - ((clock.monotonicMs() - startMs) % periodMs);
        return {
          data: make(number),
          version: `rotation-${number}`,
          lease: { ttlMs: leftMs, end: 'rotates' },
        };
      },
      rotate() {
        before += passed(lateMs) + 1;
        startMs = clock.monotonicMs();
      },
    });
  }

  remove(path: string): void {
    this.#slots.delete(path);
    this.#plain.delete(path);
  }

  /** @throws SecretsError `not-found`, or `unsupported` for a version or stage that cannot be given */
  read(ref: ProviderRef): ShelvedVersion {
    if (ref.stage !== undefined) throw storeFailure('unsupported');
    const slot = this.#slots.get(ref.path);
    if (slot === undefined) throw storeFailure('not-found');
    return slot.read(ref);
  }

  /**
   * Replaces the value at `path` now.
   *
   * @throws SecretsError `not-found`, or `unsupported` for a plain secret, which needs data
   */
  rotate(path: string): void {
    const slot = this.#slots.get(path);
    if (slot === undefined) throw storeFailure('not-found');
    if (slot.rotate === undefined) throw storeFailure('unsupported');
    slot.rotate();
  }

  #put(path: string, slot: Slot): void {
    this.#plain.delete(path);
    this.#slots.set(path, slot);
  }
}

function leaseOf({
  ttlMs,
  renewable,
  maxTtlMs,
  end,
}: Omit<PlainTerms, 'version' | 'metadata'>): Pick<ShelvedVersion, 'lease' | 'terms'> {
  if (ttlMs === undefined) return {};
  if (renewable === undefined || end === 'rotates') return { lease: { ttlMs, ...(end && { end }) } };
  return { terms: { ttlMs, renewable, ...(maxTtlMs === undefined ? {} : { maxTtlMs }) } };
}

function findVersion(versions: readonly ShelvedVersion[], wanted: string): ShelvedVersion | undefined {
  return versions.findLast(({ version }) => version === wanted);
}

function refuseVersion({ version }: ProviderRef): void {
  if (version !== undefined) throw storeFailure('unsupported');
}
