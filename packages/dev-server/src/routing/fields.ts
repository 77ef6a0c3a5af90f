import { type Refusal, refused } from '../refusal.js';
import { DurationError, durationSeconds } from '../time/go-duration.js';

/** The kinds of field that an endpoint can declare, and what each is read as. */
export interface FieldKinds {
  text: string;
  int: number;
  flag: boolean;
  /** A duration in any of the API's forms. */
  seconds: number;
  /** The same, and it may be negative. */
  signedSeconds: number;
  /** A list of texts, or one text of them parted by commas. */
  texts: readonly string[];
  /** A list of texts, or one text as it stands: SQL has commas of its own. */
  statements: readonly string[];
  ints: readonly number[];
  map: Readonly<Record<string, unknown>>;
  /** A map whose values are texts. */
  pairs: Readonly<Record<string, string>>;
  any: unknown;
}

/** The fields that an endpoint knows, by name. */
export type FieldSchema = Readonly<Record<string, keyof FieldKinds>>;

/** The fields of one request, read as their schema says; `undefined` for those not given. */
export type FieldValues<Schema extends FieldSchema> = {
  readonly [Name in keyof Schema]: FieldKinds[Schema[Name]] | undefined;
};

/** Why a value does not fit its field, in the words of the server's decoder. */
class Unreadable extends Error {}

/**
 * Reads the declared fields from a request. Unknown ones are left to {@link unknownFields}.
 *
 * @param validated whether the server checks this endpoint's fields before it looks at what exists; its texts differ
 * @throws Refusal 400 naming the field and what was expected, never the value
 */
export function readFields<Schema extends FieldSchema>(
  schema: Schema,
  data: Readonly<Record<string, unknown>>,
  validated: boolean,
): FieldValues<Schema> {
  const values: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(schema)) {
    if (!(name in data)) continue;
    try {
      values[name] = READERS[kind](data[name]);
    } catch (error) {
      throw misfit(name, error, validated);
    }
  }
  return values as FieldValues<Schema>;
}

/** The names in `data` that an endpoint does not know, sorted. */
export function unknownFields(schema: FieldSchema, data: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(data)
    .filter((name) => !(name in schema))
    .sort();
}

function misfit(name: string, error: unknown, validated: boolean): Refusal {
  const text = `error converting input for field "${name}": ${error instanceof Error ? error.message : ''}`;
  return refused(validated ? `Field validation failed: ${text}` : text);
}

const READERS: { readonly [Kind in keyof FieldKinds]: (value: unknown) => FieldKinds[Kind] | undefined } = {
  text: (value) =>
    value === null ? '' : typeof value === 'object' ? unconvertible(value, 'string') : String(value),
  int: (value) => readInt(value),
  flag(value) {
    if (value === null || value === '') return false;
    if (typeof value === 'boolean') return value;
    if (typeof value === 'number') return value !== 0;
    if (/^(1|t|true)$/i.test(String(value))) return true;
    if (/^(0|f|false)$/i.test(String(value))) return false;
    throw new Unreadable(`'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax`);
  },
  seconds(value) {
    const seconds = readSeconds(value);
    if (seconds < 0) throw new Unreadable(`cannot provide negative value '${Math.trunc(seconds)}'`);
    return seconds;
  },
  signedSeconds: (value) => readSeconds(value),
  texts(value) {
    if (value === null || value === '') return [];
    if (Array.isArray(value)) return value.map(String);
    return String(value)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  },
  statements(value) {
    if (value === null || value === '') return [];
    return Array.isArray(value) ? value.map(String) : [String(value)];
  },
  ints(value) {
    if (value === null || value === '') return [];
    const items = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [value];
    return items.map((item, index) => {
      try {
        return readInt(item);
      } catch (error) {
        const reason = error instanceof Error ? error.message.replace(/^''/, `'[${index}]'`) : '';
        throw new Unreadable(`decoding failed due to the following error(s):\n\n${reason}`);
      }
    });
  },
  map: (value) => (value === null ? undefined : readMap(value)),
  pairs: (value) =>
    value === null
      ? undefined
      : Object.fromEntries(Object.entries(readMap(value)).map(([key, item]) => [key, String(item)])),
  any: (value) => value,
};

function readSeconds(value: unknown): number {
  if (value === null) return 0;
  try {
    return durationSeconds(value);
  } catch (error) {
    throw error instanceof DurationError ? new Unreadable(error.message) : error;
  }
}

function readInt(value: unknown): number {
  if (value === null || value === '') return 0;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'object') return unconvertible(value, 'int');
  if (!/^[+-]?\d+$/.test(String(value))) {
    throw new Unreadable(`'' cannot parse value as 'int': strconv.ParseInt: invalid syntax`);
  }
  return Number(value);
}

function readMap(value: unknown): Readonly<Record<string, unknown>> {
  if (Array.isArray(value) && value.length > 0)
    return unconvertible(value[0], 'map[string]interface {}', '[0]');
  if (typeof value === 'object' && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  return Array.isArray(value) ? {} : unconvertible(value, 'map[string]interface {}');
}

function unconvertible(value: unknown, wanted: string, at = ''): never {
  const found =
    typeof value === 'number'
      ? 'json.Number'
      : typeof value === 'boolean'
        ? 'bool'
        : Array.isArray(value)
          ? '[]interface {}'
          : typeof value === 'object'
            ? 'map[string]interface {}'
            : 'string';
  throw new Unreadable(`'${at}' expected type '${wanted}', got unconvertible type '${found}'`);
}
