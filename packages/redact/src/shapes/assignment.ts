import type { KeyTest } from '../keys/sensitive-keys.js';
import { quoteAt, quotedEnd, valueInJson } from './quoted-value.js';
import { looksRandom } from './randomness.js';
import type { Finding, Rule } from './rule.js';
import { LONGEST_SHAPE } from './token-shape.js';

/** What the names of secrets contain. Between words `_`, `-` or nothing may stand. */
const KEYWORDS = [
  'access key',
  'api key',
  'authorization',
  'cookie',
  'credential',
  'encryption key',
  'passphrase',
  'passwd',
  'password',
  'private key',
  'pwd',
  'secret',
  'session id',
  'sig=',
  'signature',
  'signing key',
  'token',
];
const LONGEST_NAME = 40;
const NAME_CHARACTER = /[\w.-]/;
const COLON = /[\t ]{0,4}:[\t ]{0,4}/y;
const ASSIGN = /[\t ]{0,4}(?:=>|:=|[:=])[\t ]{0,4}/y;
const SCHEME = /(?:Basic|Bearer|Digest|Token|ApiKey) /iy;
const QUERY_VALUE = { signs: /[^\0- &?"'<>`\\[\]\x7f]+/y, most: 16_000 };
const BARE_VALUE = { signs: /[^\0- &"'<>`\\[\]{}(),;|\x7f]+/y, most: 4_096 };
/** So many signs tell whether a value looks random. */
const MOST_LOOKED_AT = 256;
const COOKIE_PAIRS =
  /[\w.-]{1,128}=[^;\0- "'\\[\]\x7f]{1,4096}(?:; ?[\w.-]{1,128}=[^;\0- "'\\[\]\x7f]{1,4096}){0,64}/y;
/** Query parameters that are a secret in a URL and a harmless word elsewhere. */
const QUERY_NAME = /^(?:sig|.*signature|.*credential)$/i;
/** A secret by name alone, so that its value need not look like one. `token` and `secret` also name other things. */
const CERTAIN_NAME =
  /passw|passphrase|pwd|(?:access|api|encryption|private|secret|signing)[-_.]?key|client[-_.]?secret/i;
const HARMLESS_VALUE =
  /^(?:true|false|null|undefined|none|nil|yes|no|empty|missing|required|invalid|incorrect|expired|wrong|hidden|changed|reset|redacted|masked|\*+|x+|\.+|-+|<.*|\$.*|%.*)$/i;

/**
 * Rules for `name=value`, `"name": "value"` and `?name=value` with the name of a secret.
 *
 * In JSON and in a query string the name decides. Elsewhere prose looks the same (`invalid token: expected …`),
 * so the value must look random, or stand behind `=` and the name of a password.
 */
export const assignmentRules: readonly Rule[] = KEYWORDS.flatMap(rulesFor);

/** The same for names of one's own. */
export function ownAssignmentRules(names: readonly string[]): Rule[] {
  return names
    .filter((name) => /^[ -~]{3,}$/.test(name))
    .map(inWords)
    .flatMap(rulesFor);
}

/** `taxId`, `tax_id` and `Tax-Id` as `tax id`. */
function inWords(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[-_. ]+/g, ' ')
    .toLowerCase();
}

function rulesFor(keyword: string): Rule[] {
  const words = keyword.split(' ');
  const separators = words.length === 1 ? [''] : ['', '_', '-'];
  return separators.map((separator) => ({ text: words.join(separator), anyCase: true, find: assignmentAt }));
}

function assignmentAt(text: string, anchor: number, isSensitive: KeyTest): Finding | undefined {
  let start = anchor;
  while (start > 0 && anchor - start < LONGEST_NAME && NAME_CHARACTER.test(text.charAt(start - 1))) start--;
  let end = anchor;
  while (end < text.length && end - anchor < LONGEST_NAME && NAME_CHARACTER.test(text.charAt(end))) end++;
  const name = text.slice(start, end);
  const inQuery = text[end] === '=' && (text[start - 1] === '?' || text[start - 1] === '&');
  if (!isSensitive(name) && !(inQuery && QUERY_NAME.test(name))) return undefined;
  const value = inQuery ? run(QUERY_VALUE, text, end + 1) : assignedValue(text, start, end, name);
  if (value === undefined || value.start === value.end) return undefined;
  const before = inQuery ? 1 : quoteAt(text, end).length;
  const valueEnd = Math.min(value.end, start + LONGEST_SHAPE);
  return { span: { start: value.start, end: valueEnd, label: 'key' }, start: start - before, end: valueEnd };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function assignedValue(text: string, start: number, end: number, name: string): Range | undefined {
  const quote = quoteAt(text, end);
  if (quote !== '' && text.slice(Math.max(0, start - quote.length), start) === quote) {
    const colon = after(COLON, text, end + quote.length);
    return colon === undefined ? undefined : valueInJson(text, colon, quote);
  }
  const valueStart = after(ASSIGN, text, end);
  if (valueStart === undefined) return undefined;
  if (/cookie$/i.test(name)) return bare(COOKIE_PAIRS, text, valueStart);
  const valueQuote = quoteAt(text, valueStart);
  const inside = valueStart + valueQuote.length;
  const secretStart = after(SCHEME, text, inside) ?? inside;
  const value =
    valueQuote === ''
      ? run(BARE_VALUE, text, secretStart)
      : { start: secretStart, end: quotedEnd(text, inside, valueQuote) };
  if (value === undefined || HARMLESS_VALUE.test(text.slice(value.start, value.end))) return undefined;
  const tight = valueQuote !== '' || text.slice(end, valueStart) === '=';
  const certain = (tight && CERTAIN_NAME.test(name)) || secretStart > inside;
  const looks = text.slice(value.start, Math.min(value.end, value.start + MOST_LOOKED_AT));
  return certain || looksRandom(looks) ? value : undefined;
}

/** The last run of signs of each kind: in `password=password=…` each name stands within the value of the one before. */
const lastRuns = new WeakMap<object, { readonly text: string; readonly from: number; readonly to: number }>();

/** As many of these signs as stand from `start` on. */
function run(
  kind: { readonly signs: RegExp; readonly most: number },
  text: string,
  start: number,
): Range | undefined {
  let last = lastRuns.get(kind);
  if (last === undefined || start < last.from || start >= last.to || text !== last.text) {
    const to = after(kind.signs, text, start);
    if (to === undefined) return undefined;
    last = { text, from: start, to };
    // Short ones are looked at again sooner than kept.
    if (to - start > MOST_LOOKED_AT) lastRuns.set(kind, last);
    else lastRuns.delete(kind);
  }
  return { start, end: Math.min(last.to, start + kind.most) };
}

function bare(pattern: RegExp, text: string, start: number): Range | undefined {
  const end = after(pattern, text, start);
  return end === undefined ? undefined : { start, end };
}

function after(pattern: RegExp, text: string, start: number): number | undefined {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
