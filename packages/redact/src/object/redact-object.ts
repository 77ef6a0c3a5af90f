import { types } from 'node:util';
import type { KeyTest } from '../keys/sensitive-keys.js';
import { type PathStep, stepInto } from './key-paths.js';
import { ownData, setData, tryReading, UNREADABLE } from './own-data.js';
import { standIn } from './stand-in.js';

/** What a walk goes by. */
export interface WalkRules {
  readonly isSensitive: KeyTest;
  readonly paths: PathStep;
  readonly maxDepth: number;
  readonly maxEntries: number;
  /** What stands for a masked value. */
  readonly mask: string;
  /** Masks what is secret in a text. */
  readonly redactText: (text: string) => string;
  /** Whether to look for values in the bytes that a copy only shows the size of. */
  readonly looksIntoBytes?: boolean;
}

/** Smaller numbers are never registered values: those have four characters or more. */
const SMALLEST_NUMBER = 1_000;
/** A console shows no more of a list of bytes; a value that begins in there counts. */
const MOST_BYTES = 4_096;
const NAME_KEYS = ['name', 'key', 'header'];

/** One copy of one value. Made anew for each, because it remembers what it has seen. */
export class ObjectWalk {
  /** Whether anything was masked: then the copy must be shown, else the value itself may be. */
  masked = false;
  readonly #rules: WalkRules;
  readonly #copies = new Map<object, unknown>();
  readonly #parents = new Set<object>();
  #entries = 0;

  constructor(rules: WalkRules) {
    this.#rules = rules;
  }

  /** The copy of `value` that is safe to log. */
  copy(value: unknown): unknown {
    return this.#copy(value, [this.#rules.paths]);
  }

  #copy(value: unknown, steps: readonly PathStep[]): unknown {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
      case 'bigint':
        return this.#copyNumber(value);
      case 'function':
        return standIn(value);
      case 'object':
        return value === null ? null : this.#copyObject(value, steps);
      default:
        return value;
    }
  }

  #copyNumber(value: number | bigint): unknown {
    if (value < SMALLEST_NUMBER && value > -SMALLEST_NUMBER) return value;
    const text = String(value);
    return this.#text(text) === text ? value : this.#rules.mask;
  }

  #text(text: string): string {
    const masked = this.#rules.redactText(text);
    if (masked !== text) this.masked = true;
    return masked;
  }

  #copyObject(value: object, steps: readonly PathStep[]): unknown {
    const shown = tryReading(() => standIn(value), UNREADABLE);
    if (this.#rules.looksIntoBytes && ArrayBuffer.isView(value)) this.#text(startOf(value));
    if (shown !== undefined || types.isDate(value)) return shown ?? value;
    if (this.#parents.has(value)) return '[Circular]';
    const deeper = steps.some(({ next }) => next.size > 0);
    if (!deeper && this.#copies.has(value)) return this.#copies.get(value);
    if (this.#parents.size >= this.#rules.maxDepth) return Array.isArray(value) ? '[Array]' : '[Object]';
    this.#parents.add(value);
    const copy = tryReading(() => this.#copyParts(value, steps), UNREADABLE);
    this.#parents.delete(value);
    if (!deeper) this.#copies.set(value, copy);
    return copy;
  }

  #copyParts(value: object, steps: readonly PathStep[]): unknown {
    if (Array.isArray(value)) return this.#copyArray(value, steps);
    if (types.isMap(value)) return this.#copyMap(value, steps);
    if (types.isSet(value)) return this.#copySet(value, steps);
    if (types.isNativeError(value) || value instanceof Error) return this.#copyError(value, steps);
    if (types.isBoxedPrimitive(value)) return this.#copy(value.valueOf(), steps);
    if (types.isRegExp(value)) return this.#text(String(value));
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    if (kind === 'Headers') return this.#copyEntries(value as Iterable<[string, unknown]>, steps);
    if (kind === 'URLSearchParams') return this.#text(`?${value}`).slice(1);
    const { toJSON } = value as { toJSON?: unknown };
    // A logger would call it; and a class with private parts shows itself no other way.
    if (typeof toJSON === 'function') return this.#copy(toJSON.call(value, ''), steps);
    return this.#copyProperties(value, steps);
  }

  #copyArray(array: readonly unknown[], steps: readonly PathStep[]): unknown[] {
    const [first, second] = array;
    // A pair of a header's name and its value.
    if (array.length === 2 && typeof first === 'string' && typeof second === 'string') {
      return [this.#copy(first, []), this.#property(first, second, stepInto(steps, '1'))];
    }
    const copy: unknown[] = [];
    for (let index = 0; index < array.length; index++) {
      if (!this.#counts()) return [...copy, '[Truncated]'];
      copy.push(this.#element(array[index], stepInto(steps, String(index))));
    }
    return copy;
  }

  #copyMap(map: ReadonlyMap<unknown, unknown>, steps: readonly PathStep[]): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    for (const [key, value] of map) {
      if (!this.#counts()) break;
      const name = typeof key === 'string' ? key : undefined;
      const masked =
        name === undefined ? this.#copy(value, []) : this.#property(name, value, stepInto(steps, name));
      copy.set(this.#copy(key, []), masked);
    }
    return copy;
  }

  #copyEntries(entries: Iterable<[string, unknown]>, steps: readonly PathStep[]): object {
    const copy = {};
    for (const [name, value] of entries) {
      if (!this.#counts()) break;
      setData(copy, name, this.#property(name, value, stepInto(steps, name)));
    }
    return copy;
  }

  #copySet(set: ReadonlySet<unknown>, steps: readonly PathStep[]): Set<unknown> {
    const copy = new Set<unknown>();
    for (const element of set) {
      if (!this.#counts()) break;
      copy.add(this.#element(element, steps));
    }
    return copy;
  }

  #copyProperties(value: object, steps: readonly PathStep[]): object {
    const copy = {};
    const named = this.#namesSecret(value);
    for (const [name, content, shown] of ownData(value)) {
      if (!shown) continue;
      if (!this.#counts()) {
        setData(copy, '[Truncated]', true);
        break;
      }
      const masked =
        named && name === 'value'
          ? this.#masked(content)
          : this.#property(name, content, stepInto(steps, name));
      setData(copy, this.#text(name), masked);
    }
    return copy;
  }

  /** An error of the same class, with message, stack, cause and the rest masked. */
  #copyError(error: Error, steps: readonly PathStep[]): Error {
    const copy = Object.create(Object.getPrototypeOf(error)) as Error;
    for (const name of ['name', 'message', 'stack'] as const) {
      const text = tryReading<unknown>(() => error[name], UNREADABLE);
      if (typeof text === 'string') setData(copy, name, this.#text(text), false);
    }
    for (const [name, value, shown] of ownData(error)) {
      if (name === 'message' || name === 'stack' || (name === 'name' && !shown) || !this.#counts()) continue;
      setData(copy, name, this.#property(name, value, stepInto(steps, name)), shown);
    }
    return copy;
  }

  #element(value: unknown, steps: readonly PathStep[]): unknown {
    return steps.some(({ ends }) => ends) ? this.#masked(value) : this.#copy(value, steps);
  }

  #property(name: string, value: unknown, steps: readonly PathStep[]): unknown {
    if (this.#rules.isSensitive(name) || steps.some(({ ends }) => ends)) return this.#masked(value);
    return name.toLowerCase() === 'rawheaders' && Array.isArray(value)
      ? this.#copyFlatPairs(value)
      : this.#copy(value, steps);
  }

  /** `['Host', 'a.example', 'Cookie', '…']`, as Node keeps the headers of a request. */
  #copyFlatPairs(array: readonly unknown[]): unknown[] {
    return array.map((value, index) =>
      index % 2 === 1 ? this.#property(String(array[index - 1]), value, []) : this.#copy(value, []),
    );
  }

  /** Whether the value of `{ name: 'authorization', value: '…' }` is a secret. */
  #namesSecret(value: object): boolean {
    return NAME_KEYS.some((key) => {
      const name = Object.getOwnPropertyDescriptor(value, key)?.value;
      return typeof name === 'string' && this.#rules.isSensitive(name);
    });
  }

  /** That there is nothing, or whether there is something, is not secret. */
  #masked(value: unknown): unknown {
    const plain = value === null || value === undefined || value === '' || typeof value === 'boolean';
    if (plain) return value;
    this.masked = true;
    return this.#rules.mask;
  }

  #counts(): boolean {
    return ++this.#entries <= this.#rules.maxEntries;
  }
}

function startOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, Math.min(byteLength, MOST_BYTES)).toString('latin1');
}
