import { SecretsError } from '../errors/secrets-error.js';
import { jsonText, parseJson } from './json.js';

/** JSON's own words: a setting that is one of them is beside the secret, and hiding it would hide it everywhere. */
const LITERALS: ReadonlySet<string> = new Set(['true', 'false']);

/**
 * Plaintext, in its one home. Kept as bytes outside the JavaScript heap, decoded only on the way out, and zeroed when
 * nothing holds it any more.
 *
 * It is either one value or a set of named fields, always of one version. Nothing enumerates, prints or
 * serializes its content.
 */
export class SecretValue {
  readonly #single: Buffer | undefined;
  readonly #fields: ReadonlyMap<string, Buffer> | undefined;

  private constructor(content: Buffer | ReadonlyMap<string, Buffer>) {
    if (Buffer.isBuffer(content)) this.#single = content;
    else this.#fields = content;
  }

  /**
   * Wraps what a provider returned. Fields that are not text become JSON text; numbers keep their digits.
   *
   * @throws SecretsError `bad-response` when there is nothing in it: a blank never replaces a value
   */
  static wrap(data: unknown): SecretValue {
    if (typeof data === 'string' || data instanceof Uint8Array) {
      if (data.length === 0) throw blank('The secret is empty.');
      return new SecretValue(bytes(data));
    }
    if (typeof data !== 'object' || data === null || Array.isArray(data)) {
      throw blank('The answer is neither text, nor bytes, nor named fields.');
    }
    const fields = new Map<string, Buffer>();
    for (const [name, content] of Object.entries(data)) {
      if (content === null || content === undefined) continue;
      fields.set(name, bytes(content instanceof Uint8Array ? content : jsonText(content)));
    }
    if (fields.size === 0) throw blank('The secret has no field.');
    return new SecretValue(fields);
  }

  /** The names of the fields; empty for a single value. */
  get names(): readonly string[] {
    return this.#fields === undefined ? [] : [...this.#fields.keys()];
  }

  /** A field, as a value of its own. A single value that is a JSON object is read as its fields. */
  field(name: string, ref: string): SecretValue {
    const found = (this.#fields ?? this.#jsonFields())?.get(name);
    if (found === undefined) {
      const names = [...((this.#fields ?? this.#jsonFields())?.keys() ?? [])];
      throw new SecretsError('not-found', {
        ref,
        problem: `The secret has no field ${JSON.stringify(name)}.`,
        remedy:
          names.length === 0
            ? 'It is a single value that is not a JSON object: leave out the #field.'
            : `It has: ${names.join(', ')}.`,
      });
    }
    if (found.length === 0) {
      throw new SecretsError('bad-response', {
        ref,
        problem: `The field ${JSON.stringify(name)} is empty.`,
        remedy: 'Write a value to it at the store.',
      });
    }
    return new SecretValue(found);
  }

  /** The bytes of the single value, or of the only field. The caller must not change them. */
  single(ref: string): Buffer {
    if (this.#single !== undefined) return this.#single;
    const [only, ...others] = this.#fields?.values() ?? [];
    if (only !== undefined && others.length === 0) return only;
    throw new SecretsError('invalid-ref', {
      ref,
      problem: `The secret has ${this.names.length} fields, and none was named.`,
      remedy: `Name one: ${this.names.map((name) => `${ref}#${name}`).join(', ')}.`,
    });
  }

  /** All fields as text, of one version. A single value that is a JSON object is read as its fields. */
  texts(ref: string): Record<string, string> {
    const fields = this.#fields ?? this.#jsonFields();
    if (fields === undefined) {
      throw new SecretsError('invalid-ref', {
        ref,
        problem: 'The secret is a single value without fields.',
        remedy: 'Take it whole with reveal().',
      });
    }
    return Object.fromEntries(Array.from(fields, ([name, content]) => [name, content.toString('utf8')]));
  }

  /** What a schema is given: the fields as texts by name, the JSON of an object or array, or else the text. */
  content(): unknown {
    if (this.#fields !== undefined) return this.texts('');
    const text = this.#single?.toString('utf8') ?? '';
    if (!/^\s*[[{]/.test(text)) return text;
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  /** What must not be printed: all but the fields that `plain` names, and words that every log has. */
  *plaintexts(plain: ReadonlySet<string>): Iterable<Buffer> {
    if (this.#single !== undefined) yield this.#single;
    for (const [name, content] of this.#fields ?? this.#jsonFields() ?? []) {
      if (!plain.has(name) && !LITERALS.has(content.toString('latin1'))) yield content;
    }
  }

  #jsonFields(): ReadonlyMap<string, Buffer> | undefined {
    const text = this.#single?.toString('utf8') ?? '';
    if (!text.trimStart().startsWith('{')) return undefined;
    try {
      const entries = Object.entries(parseJson(text) as Record<string, unknown>);
      const present = entries.filter(([, content]) => content !== null);
      return new Map(present.map(([name, content]) => [name, bytes(jsonText(content))]));
    } catch {
      return undefined;
    }
  }
}

/**
 * A copy in memory of its own: small Buffers would otherwise share Node's pool with whatever else is in it. It is zeroed
 * before its memory is given back, once no value holds it any more.
 */
function bytes(content: string | Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(Buffer.byteLength(content));
  if (typeof content === 'string') copy.write(content);
  else copy.set(content);
  dropped.register(copy, copy.buffer);
  return copy;
}

/** Is told by the garbage collector, and given the memory, since the view of it that was dropped is gone. */
const dropped = new FinalizationRegistry((memory: ArrayBufferLike) => new Uint8Array(memory).fill(0));

function blank(problem: string): SecretsError {
  return new SecretsError('bad-response', {
    problem,
    remedy: 'Check what is stored there; the value held before stays.',
  });
}
