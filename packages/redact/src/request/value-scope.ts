import { AsyncLocalStorage } from 'node:async_hooks';
import { KnownValues } from '../known/known-values.js';
import type { LiteralIndex } from '../known/literal-index.js';

/** What is masked in a scope. */
export interface ScopeSource {
  /** The values, each with a name for its mask. Asked for at the first search, not before. */
  values(): Iterable<readonly [value: string, ref: string]>;
  /** Something else whenever `values` has something else to say. */
  stamp(): unknown;
}

/** Values that are masked while something runs, and in whatever that starts. */
export class ValueScope {
  readonly outer: ValueScope | undefined;
  readonly #source: ScopeSource;
  #stamp: unknown;
  #known: KnownValues | undefined;

  constructor(source: ScopeSource, outer: ValueScope | undefined) {
    this.#source = source;
    this.outer = outer;
  }

  /** Their literals; made when they are first needed, since most work logs nothing. */
  get index(): LiteralIndex {
    const stamp = this.#source.stamp();
    if (this.#known !== undefined && stamp === this.#stamp) return this.#known.index;
    const known = new KnownValues();
    for (const [value, ref] of this.#source.values()) {
      known.add(value, ref);
      // Never live: whoever brought it knows it, so that its turning up is no hit.
      known.retire(value, ref, Number.MAX_VALUE);
    }
    this.#known = known;
    this.#stamp = stamp;
    return known.index;
  }
}

/**
 * The scopes of one redactor.
 *
 * A scope hangs on the asynchronous context alone: nothing here refers to it, and it goes when the last callback does
 * that was made within it.
 */
export class ValueScopes {
  readonly #storage = new AsyncLocalStorage<ValueScope>();

  /** A scope within the present one. */
  open(source: ScopeSource): ValueScope {
    return new ValueScope(source, this.#storage.getStore());
  }

  run<Args extends unknown[], Result>(
    scope: ValueScope,
    run: (...args: Args) => Result,
    ...args: Args
  ): Result {
    return this.#storage.run(scope, run, ...args);
  }

  /** `always`, and the literals of the scopes that the caller runs in. */
  indexes(always: readonly LiteralIndex[]): readonly LiteralIndex[] {
    let scope = this.#storage.getStore();
    if (scope === undefined) return always;
    const indexes = [...always];
    for (; scope !== undefined; scope = scope.outer) if (scope.index.size > 0) indexes.push(scope.index);
    return indexes;
  }
}
