import { inspect } from 'node:util';
import { createSecrets, type Secret, type SecretInput, type Secrets, template } from '@keyturn/core';
import { type FakeClock, fakeClock } from '@keyturn/core/testing';
import { expect } from 'vitest';
import { CANARY, Store, type StoreOptions } from '../../packages/core/test/support/store.js';
import { EVENTS, until } from '../../packages/core/test/support/world.js';

/** The secrets at the store, of every kind. */
export const REFS = ['s:renewed', 's:fixed', 's:short', 's:long', 's:app', 's:role'] as const;

/** One made from three of them: its version is all of theirs. */
export const JOINT = template('{{a.password}} {{b.password}} {{c.password}}', {
  a: 's:renewed',
  b: 's:short',
  c: 's:app',
});

/** A pool of connections: it proves, adopts and, when the test says so, is slow to let go. */
class Pool {
  readonly using = new Set<string>();
  readonly #prepared = new Set<string>();
  #current: string | undefined;
  #busy: (() => void)[] = [];
  isBusy = false;
  hasLeft = false;
  /** It could not prove what came last: nothing keeps its old version from being revoked once that is over. */
  isBehind = false;
  /** How long a proof takes. */
  proofMs = 0;
  readonly #clock: FakeClock;
  readonly #broken: string[];

  constructor(clock: FakeClock, broken: string[]) {
    this.#clock = clock;
    this.#broken = broken;
  }

  readonly consumer = {
    prepare: async (next: Secret, signal: AbortSignal) => {
      this.isBehind = true;
      if (this.proofMs > 0) await this.#clock.sleep(this.proofMs, { signal });
      this.isBehind = false;
      this.#prepared.add(next.version);
      this.using.add(next.version);
    },
    discard: (next: Secret) => this.#drop(next.version),
    adopt: async (next: Secret, signal: AbortSignal) => {
      const old = this.#current;
      if (!this.#prepared.delete(next.version)) this.#broken.push(`${next.version} adopted without a proof`);
      if (this.hasLeft) this.#broken.push(`${next.version} adopted by a pool that has left`);
      if (!isLater(next.version, old)) this.#broken.push(`${next.version} adopted after ${old}`);
      this.#current = next.version;
      await this.#letGo(signal, () => old !== undefined && this.#drop(old));
    },
    release: (signal: AbortSignal) => this.#letGo(signal, () => this.using.clear()),
  };

  resume(): void {
    this.isBusy = false;
    const busy = this.#busy;
    this.#busy = [];
    for (const resume of busy) resume();
  }

  #drop(version: string): void {
    this.#prepared.delete(version);
    this.using.delete(version);
  }

  /** Lets go at once, or when the test says so, or when it is cut off. */
  async #letGo(signal: AbortSignal, drop: () => void): Promise<void> {
    if (!this.isBusy || signal.aborted) return drop();
    await new Promise<void>((resolve) => {
      const letGo = () => {
        drop();
        resolve();
      };
      this.#busy.push(letGo);
      signal.addEventListener('abort', letGo, { once: true });
    });
  }
}

/** Live secrets over a store that tells the truth, with everything watched that must hold at any moment. */
/** Paths whose values have a lease. */
const LEASED: ReadonlySet<string> = new Set(['renewed', 'fixed', 'short', 'long', 'role']);

export class Subject {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly secrets: Secrets;
  readonly pools: { readonly ref: SecretInput; readonly pool: Pool; leave(): void }[] = [];
  readonly watches: { readonly ref: SecretInput; readonly seen: string[]; stop(): void }[] = [];
  readonly reads: { readonly caller: AbortController; isOver: boolean }[] = [];
  isClosed = false;
  /** The store heard no signal at some time, so that a call went on after it was given up. */
  isDeaf = false;
  /** What went wrong where a failed expectation would be taken for the store's or a listener's own error. */
  readonly #broken: string[] = [];
  #isOpen = false;
  #version = 0;
  /** Leases whose revocation the store refused for good. */
  readonly #refused = new Set<string>();

  readonly #options: StoreOptions;

  constructor(seed: number, options: StoreOptions) {
    this.#options = options;
    this.clock = fakeClock({ seed });
    this.store = new Store(this.clock, options)
      .dynamic('renewed', { ttlMs: 60_000, maxTtlMs: 200_000 })
      .dynamic('fixed', { ttlMs: 90_000, renewable: false })
      .dynamic('short', { ttlMs: 5_000, maxTtlMs: 30_000 })
      .dynamic('long', { ttlMs: 900_000 })
      .rotating('role', { periodMs: 80_000, lateMs: 4_000 });
    this.rotateAtStore();
    Object.assign(this.store.latencyMs, { fetch: 300, renew: 200, revoke: 250, login: 400, 'is-alive': 100 });
    this.secrets = createSecrets({
      providers: { s: this.store.provider },
      clock: this.clock,
      instance: `instance-${seed}`,
      cache: { ttl: '40s', maxStale: '2m' },
    });
    for (const event of EVENTS) this.secrets.on(event, (payload) => this.#heard(event, payload));
    this.store.onCall = ({ operation, subject }) => {
      // With a login, a call that was let through before the breaker opened may reach the store after it. What is
      // leased is replaced through an open breaker, by the schedule of its lease.
      if (operation === 'fetch' && this.#isOpen && !options.session && !LEASED.has(subject))
        this.#broken.push('a call through an open breaker');
      if (operation === 'revoke') this.#revoked(subject);
      // What comes too late is given back; nothing is asked for any more.
      if (this.isClosed && !operation.startsWith('revoke')) this.#broken.push(`${operation} after close`);
    };
  }

  rotateAtStore(): void {
    const number = ++this.#version;
    this.store.put('app', { username: 'app', password: `${CANARY}-${number}` }, `k${number}`);
  }

  /** Asks for a secret without waiting; whatever comes is checked at the moment when it comes. */
  read(ref: SecretInput, rotate: boolean): void {
    const caller = new AbortController();
    const read = { caller, isOver: false };
    this.reads.push(read);
    const { signal } = caller;
    const asked = rotate ? this.secrets.rotate(ref) : this.secrets.getSecret(ref, { signal });
    asked.then(
      (secret) => {
        read.isOver = true;
        this.#handedOut(secret);
      },
      (error: unknown) => {
        read.isOver = true;
        this.#shown(error);
      },
    );
  }

  watch(ref: SecretInput): void {
    const seen: string[] = [];
    let isOver = false;
    const unwatch = this.secrets.watch(ref, ({ version }) => {
      if (!isLater(version, seen.at(-1))) this.#broken.push(`${ref} told of ${version} after ${seen.join()}`);
      if (isOver) this.#broken.push(`${ref} told of ${version} after the watch was stopped`);
      seen.push(version);
    });
    const stop = () => {
      isOver = true;
      unwatch();
    };
    this.watches.push({ ref, seen, stop });
  }

  pool(ref: SecretInput): void {
    const pool = new Pool(this.clock, this.#broken);
    const consumption = this.secrets.consume(ref, pool.consumer);
    consumption.current().catch((error: unknown) => this.#shown(error));
    this.pools.push({
      ref,
      pool,
      leave() {
        pool.hasLeft = true;
        pool.using.clear();
        consumption.close();
      },
    });
  }

  /** Time passes until the store is asked for something: the most can go wrong while it has not answered. */
  async advanceToCall(): Promise<void> {
    const before = this.store.calls.length;
    for (let turn = 0; turn < 400 && this.store.calls.length === before; turn++)
      await this.clock.advance(250);
  }

  /** From now on the store answers what it was asked even after the caller has given up. */
  turnDeaf(): void {
    this.isDeaf = true;
    this.store.ignoresSignals = true;
    this.store.latencyMs.fetch = 12_000;
  }

  hear(): void {
    this.store.ignoresSignals = false;
    this.store.latencyMs.fetch = 300;
  }

  /** The host stands still while the world goes on: only its wall clock knows. */
  suspend(forMs: number): void {
    this.clock.jumpWall(forMs);
    this.store.aheadMs += forMs;
  }

  /** What must hold of a value at the moment when somebody gets it. */
  #handedOut(secret: Secret): void {
    this.#shown(secret);
    for (const version of secret.version.split('+')) this.#handedOutVersion(version);
  }

  #handedOutVersion(version: string): void {
    const lease = this.store.leaseOf(version);
    if (lease === undefined) return;
    for (const [what, thing] of Object.entries({ lease, login: this.store.ownerOf(lease) })) {
      if (thing === undefined) continue;
      const wasRevoked = thing.revokedMs !== undefined && !thing.isStolen;
      const isOver = this.store.nowMs >= thing.endMs;
      if (wasRevoked || isOver) this.#broken.push(`${version} handed out after the end of its ${what}`);
    }
  }

  /** What must hold whenever everything has settled. */
  async check(): Promise<void> {
    await this.clock.settle();
    for (const ref of [...REFS, JOINT]) {
      const secret = this.secrets.peekSecret(ref);
      if (secret !== undefined) this.#handedOut(secret);
    }
    for (const ref of REFS) {
      const atOnce = this.store.mostAtOnce.get(`fetch ${ref.slice(2)}`) ?? 0;
      if (atOnce > 1 && !this.isDeaf) this.#broken.push(`two fetches of ${ref} at once`);
    }
    this.#shown([this.secrets, this.secrets.inventory(), this.secrets.health()]);
    expect(this.#broken).toEqual([]);
  }

  /** The store is up again and nobody is busy: soon no lease is left but those in service. */
  async audit(): Promise<void> {
    this.store.heal();
    this.hear();
    for (const { pool } of this.pools) {
      pool.resume();
      pool.proofMs = 0;
    }
    await this.clock.advance(3 * 60_000);
    await this.check();
    const astray = this.#astray();
    await this.clock.advance(2_000);
    const stillAstray = this.#astray().filter((version) => astray.includes(version));
    expect(stillAstray, 'leases that nobody holds').toEqual([]);
    expect(
      this.reads.every((read) => read.isOver),
      'every read is answered',
    ).toBe(true);
  }

  async close(): Promise<void> {
    const isUp = !this.store.isDown;
    await until(this.clock, this.secrets.close());
    this.isClosed = true;
    if (this.isDeaf) await this.clock.advance(20_000);
    expect(this.clock.pending, 'timers after close').toBe(0);
    await this.clock.settle();
    expect(
      this.reads.every((read) => read.isOver),
      'every read is answered',
    ).toBe(true);
    // A lease that comes after the end and does not die with its login cannot be given back without another.
    const isLost = this.isDeaf && this.#options.session?.ownsLeases === false;
    if (isUp && !isLost) expect(this.#live(), 'leases after close').toEqual([]);
    expect(this.#broken).toEqual([]);
  }

  /** The versions whose leases the store honours and that are not in service: on their way out, or forgotten. */
  #astray(): string[] {
    const held = new Set(this.secrets.inventory().map((item) => item.version));
    return this.#live().filter((version) => !held.has(version));
  }

  /** The versions whose leases the store honours and that it has not refused to revoke. */
  #live(): string[] {
    return this.store
      .live()
      .map((lease) => lease.version)
      .filter((version) => !this.#refused.has(version));
  }

  #revoked(leaseId: string): void {
    const lease = this.store.leases.find(({ id }) => id === leaseId);
    // What the store has ended already is of no use to anybody.
    if (lease === undefined || !this.store.isLive(lease)) return;
    const { version } = lease;
    for (const { ref, pool } of this.pools) {
      const isUsed = [...pool.using].some((used) => used.split('+').includes(version));
      // Nothing can take the place of what is over while a part is missing, or proofs take longer than they may.
      const isHopeless =
        ref === JOINT && (pool.proofMs > 10_000 || this.secrets.peekSecret(JOINT) === undefined);
      if (isUsed && !pool.isBehind && !isHopeless)
        this.#broken.push(`${version} of ${ref} revoked under a pool that uses it`);
    }
  }

  #heard(event: string, payload: object): void {
    this.#shown({ event, ...payload });
    if ('state' in payload) this.#isOpen = payload.state === 'open';
    if (event === 'lease-revoked' && 'error' in payload && 'version' in payload) {
      const retried = ['unavailable', 'timeout', 'rate-limited'].includes(String(payload.error));
      if (!retried) this.#refused.add(String(payload.version));
    }
  }

  #shown(thing: unknown): void {
    const text = inspect(thing, { showHidden: true, depth: 6 }) + JSON.stringify(thing);
    if (text.includes(CANARY)) this.#broken.push(`a value is shown in ${text.replaceAll(CANARY, '***')}`);
  }
}

/** Versions are numbered: a later one has a higher number. Of what is made from several, no part goes back. */
function isLater(version: string, than: string | undefined): boolean {
  if (than === undefined) return true;
  const numbers = (of: string) => of.split('+').map((part) => Number(part.replace(/\D/g, '')));
  const before = numbers(than);
  return version !== than && numbers(version).every((number, place) => number >= (before[place] ?? 0));
}
