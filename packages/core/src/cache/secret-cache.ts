import { LRUCache } from 'lru-cache';
import type { Entry } from './entry.js';

/**
 * The held entries, by canonical reference.
 *
 * Entries under the lease manager's care (leased, or with consumers) are kept until it lets them go; the others
 * compete for `maxEntries` places, least recently used first out.
 */
export class SecretCache {
  readonly #kept = new Map<string, Entry>();
  readonly #others: LRUCache<string, Entry>;

  constructor(maxEntries: number) {
    this.#others = new LRUCache({
      max: maxEntries,
      dispose: (entry, _, reason) => {
        if (reason === 'evict') entry.end();
      },
    });
  }

  get(ref: string): Entry | undefined {
    return this.#kept.get(ref) ?? this.#others.get(ref);
  }

  /** Puts `entry` in the place of the one before it. */
  put(entry: Entry, keep: boolean): void {
    const { ref } = entry.target;
    this.#kept.delete(ref);
    this.#others.delete(ref);
    if (keep) this.#kept.set(ref, entry);
    else this.#others.set(ref, entry);
  }

  /** Keeps an entry, or lets it compete with the others again. */
  keep(ref: string, keep: boolean): void {
    const entry = this.get(ref);
    if (entry !== undefined) this.put(entry, keep);
  }

  /** Forgets `entry`, unless another has taken its place. */
  drop(entry: Entry): void {
    entry.end();
    if (this.get(entry.target.ref) !== entry) return;
    this.#kept.delete(entry.target.ref);
    this.#others.delete(entry.target.ref);
  }

  *entries(): Iterable<Entry> {
    yield* this.#kept.values();
    yield* this.#others.values();
  }

  clear(): void {
    for (const entry of this.entries()) entry.end();
    this.#kept.clear();
    this.#others.clear();
  }
}
