import { SecretsError } from '../errors/secrets-error.js';

/** What can be asked for: a reference, or a template over one or several. */
export type SecretInput = string | Template;

/** How a value is written where it stands. */
const ENCODERS = {
  /** As it is. */
  raw: (value: string) => value,
  /** Percent-encoded, for any part of a URL. */
  url: (value: string) => encodeURIComponent(value),
  /** Escaped for the inside of a JSON string. */
  json: (value: string) => JSON.stringify(value).slice(1, -1),
  /** One word of a POSIX shell, with the quotes that it needs. */
  shell: (value: string) => `'${value.replaceAll("'", "'\\''")}'`,
} as const;

type Encoding = keyof typeof ENCODERS;

/** What stands in for the only reference, which has no name. */
export const ONLY = '';

interface Place {
  readonly part: string;
  /** Undefined: the part as a whole, which must be a single value. */
  readonly field: string | undefined;
  readonly encoding: Encoding;
}

const PLACE = /\{\{\s*([^{}\s|]+)\s*(?:\|\s*([^{}\s|]+)\s*)?\}\}/g;
const URL_START = /^[a-z][a-z\d+.-]*:\/\//i;

const BRAND = Symbol.for('keyturn.Template');

/** Whether it is a template, of this copy of the package or another. */
export function isTemplate(thing: unknown): thing is Template {
  return typeof thing === 'object' && thing !== null && BRAND in thing;
}

/** A text with places for what secrets hold. Made by {@link template}; taken wherever a reference is. */
export class Template {
  readonly text: string;
  /** The references by the names that the text has for them; one without a name under `''`. */
  readonly refs: Readonly<Record<string, string>>;
  readonly #literals: readonly string[];
  readonly #places: readonly Place[];

  /** Use {@link template}. */
  constructor(text: string, refs: Readonly<Record<string, string>>) {
    Object.defineProperty(this, BRAND, { value: true });
    this.text = text;
    this.refs = refs;
    const usual = usualEncoding(text);
    const found = [...text.matchAll(PLACE)];
    const places = found.map(([, name = '', encoding]) => ({
      ...placeOf(name, refs),
      encoding: encodingOf(encoding) ?? usual,
    }));
    const ends = [0, ...found.map(({ index, 0: place }) => index + place.length)];
    this.#literals = ends.map((end, number) => text.slice(end, found[number]?.index));
    this.#places = places;
    if (places.length === 0 || this.#literals.some((literal) => literal.includes('{{')))
      throw invalid(
        'The template has no place for a field, or one that is not closed.',
        'Write places as {{field}}, or {{name.field}} where it has several references.',
      );
    const unused = Object.keys(refs).find((part) => !places.some((place) => place.part === part));
    if (unused !== undefined)
      throw invalid(
        `The template has no place for ${JSON.stringify(unused)}.`,
        'Leave its reference out, or put it in.',
      );
  }

  /** The text, with what `read` gives in its places. */
  render(read: (part: string, field: string | undefined) => string): string {
    return this.#literals.reduce((text, literal, number) => {
      const { part, field, encoding } = this.#places[number - 1] as Place;
      return text + ENCODERS[encoding](read(part, field)) + literal;
    });
  }

  toString(): string {
    return `template(${[...new Set(Object.values(this.refs))].join(', ')})`;
  }
}

/**
 * A secret made from the fields of one other or of several: a connection string, a whole config file. It is a secret
 * itself: it changes when any of them does, never mixes two versions of one, and lasts as long as the one that ends
 * first.
 *
 * Places are `{{field}}` over one reference, and `{{name.field}}`, or `{{name}}` for a single value, over several. Each
 * is percent-encoded when the text begins like a URL, escaped when the text is JSON (within quotes), and put in as it is
 * otherwise; `{{field|url}}`, `|json`, `|shell` and `|raw` say it for one place.
 *
 * ```ts
 * const url = template('postgres://{{username}}:{{password}}@db/orders', 'vault:database/creds/orders');
 * const file = template('{ "db": "postgres://{{db.username|url}}:{{db.password|url}}@db", "stripe": "{{stripe}}" }', {
 *   db: 'vault:database/creds/orders',
 *   stripe: 'vault:secret/orders#stripe_key',
 * });
 * (await secrets.getSecret(url)).reveal();
 * ```
 *
 * @throws SecretsError `invalid-config` when the text has no place, an unclosed one, one for a reference that it was not
 *   given, or, in JSON, one without quotes
 */
export function template(text: string, refs: string | Readonly<Record<string, string>>): Template {
  const named = typeof refs === 'string' ? { [ONLY]: refs } : { ...refs };
  const areTexts = Object.values(named).every((ref) => typeof ref === 'string');
  if (typeof text !== 'string' || !areTexts || Object.keys(named).length === 0)
    throw invalid(
      'template() takes a text, and a reference or several by name.',
      'Pass the text with its places, and the references of the secrets that fill them.',
    );
  return new Template(text, Object.freeze(named));
}

function placeOf(name: string, refs: Readonly<Record<string, string>>): Omit<Place, 'encoding'> {
  if (Object.hasOwn(refs, ONLY)) return { part: ONLY, field: name };
  const dot = name.indexOf('.');
  const part = dot === -1 ? name : name.slice(0, dot);
  if (Object.hasOwn(refs, part)) return { part, field: dot === -1 ? undefined : name.slice(dot + 1) };
  throw invalid(
    `The template names ${JSON.stringify(part)}, and has no reference of that name.`,
    `It has: ${Object.keys(refs).join(', ')}.`,
  );
}

function encodingOf(name: string | undefined): Encoding | undefined {
  if (name === undefined || Object.hasOwn(ENCODERS, name)) return name as Encoding | undefined;
  throw invalid(
    `The template encodes a place as ${JSON.stringify(name)}, which is not known.`,
    `There are ${Object.keys(ENCODERS).join(', ')}.`,
  );
}

/** How a place is written that does not say it: by what the text would be with something harmless in its places. */
function usualEncoding(text: string): Encoding {
  if (URL_START.test(text)) return 'url';
  if (!isJson(text, () => '0')) return 'raw';
  // Outside of quotes, an escaped value would still be able to say more than a value.
  const areQuoted = isJson(text, (_, __, encoding) => (encoding === undefined ? LETTER : '0'));
  if (areQuoted) return 'json';
  throw invalid(
    'The template is JSON with a place that does not stand within quotes.',
    'Put quotes around it, or write {{field|raw}} where the value is JSON itself.',
  );
}

/** No JSON outside of quotes. */
const LETTER = 'x';

function isJson(text: string, filling: (place: string, name: string, encoding?: string) => string): boolean {
  const filled = text.replace(PLACE, filling);
  if (!/^\s*[[{"]/.test(filled)) return false;
  try {
    JSON.parse(filled);
    return true;
  } catch {
    return false;
  }
}

function invalid(problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-config', { problem, remedy });
}
