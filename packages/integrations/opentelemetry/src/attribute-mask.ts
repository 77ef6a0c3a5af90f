import { SecretsError } from '@keyturn/core/provider';
import type { Redactor } from '@keyturn/redact';

/** More levels than any exporter is sent; circles end here, too. */
const MOST_LEVELS = 32;
const MOST_NAMES = 1_000;
/** Attributes of the semantic conventions that tell one session from another, and open none. */
const CORRELATES = new Set(['session.id', 'session.previous_id']);

/** Masks the parts of spans and log records. What holds nothing secret is returned as it is. */
export class AttributeMask {
  readonly #redactor: Redactor;
  readonly #sink: string;
  readonly #names = new Map<string, string | undefined>();

  /** @throws SecretsError `invalid-config` for something that is not a redactor */
  constructor(redactor: Redactor, sink: string) {
    if (typeof redactor?.redactObject !== 'function') {
      throw new SecretsError('invalid-config', {
        problem: 'The first argument is not a redactor.',
        remedy: 'Pass what createRedactor() of @keyturn/redact returned.',
      });
    }
    this.#redactor = redactor;
    this.#sink = sink;
  }

  text(text: string): string {
    return this.#redactor.redact(text, this.#sink);
  }

  /** Attributes, masked by name and by value. */
  attributes<Attributes extends object>(attributes: Attributes): Attributes {
    return this.#map(attributes, MOST_LEVELS) as Attributes;
  }

  /** Any value of an attribute or a log body: a text, number, list, map, or bytes. */
  value<Value>(value: Value): Value {
    return this.#value(value, MOST_LEVELS) as Value;
  }

  #value(value: unknown, levels: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number':
      case 'bigint':
        return this.#whole(value, String(value));
      case 'object':
        if (value === null) return value;
        if (value instanceof Uint8Array) return this.#whole(value, Buffer.from(value).toString('latin1'));
        if (levels === 0) return '[Object]';
        return Array.isArray(value) ? this.#list(value, levels - 1) : this.#map(value, levels - 1);
      default:
        return value;
    }
  }

  /** What cannot be masked in part: a text stands for it if it is secret. */
  #whole(value: unknown, text: string): unknown {
    const masked = this.text(text);
    return masked === text ? value : typeof value === 'object' ? '[REDACTED]' : masked;
  }

  #list(list: readonly unknown[], levels: number): readonly unknown[] {
    const masked = list.map((element) => this.#value(element, levels));
    return masked.some((element, index) => !Object.is(element, list[index])) ? masked : list;
  }

  #map(map: object, levels: number): object {
    const entries = Object.entries(map);
    const masked = entries.map(([name, value]): [string, unknown] => [
      this.text(name),
      this.#property(name, value, levels),
    ]);
    const same = masked.every(
      ([name, value], at) => name === entries[at]?.[0] && Object.is(value, entries[at]?.[1]),
    );
    return same ? map : Object.fromEntries(masked);
  }

  #property(name: string, value: unknown, levels: number): unknown {
    const telling = this.#tellingPart(name);
    // A count of tokens, as in gen_ai.usage.input_tokens.
    const counts = typeof value === 'number' && /tokens$/i.test(name);
    // A query as instrumentation writes it lacks the mark by which its first parameter is known for one.
    if (typeof value === 'string' && /(?:^|\.)query$/i.test(name)) return this.text(`?${value}`).slice(1);
    if (telling === undefined || counts || CORRELATES.has(name)) return this.#value(value, levels);
    return this.#under(telling, value);
  }

  /** The part of a name that says that its value is secret: `authorization` of `http.request.header.authorization`. */
  #tellingPart(name: string): string | undefined {
    if (this.#names.has(name)) return this.#names.get(name);
    const telling = [name, name.slice(name.lastIndexOf('.') + 1)].find(
      (part) => this.#under(part, '-') !== '-',
    );
    if (this.#names.size < MOST_NAMES) this.#names.set(name, telling);
    return telling;
  }

  /** `value` as the redactor masks it under that key. */
  #under(key: string, value: unknown): unknown {
    const [masked] = Object.values(this.#redactor.redactObject({ [key]: value }, this.#sink) as object);
    return masked;
  }
}
