const NEEDS_NO_ESCAPE = /^[\w.~-]*$/;
const NOT_ASCII = /[\u0080-\uffff]/;

/**
 * Every way in which `text` is likely to stand in a log: as it is, and as JSON, URLs and HTML write it.
 *
 * The variants are those of real writers: JSON by JavaScript, Go, PHP, Python and Java, and once more inside a
 * JSON string (twice, and by `util.inspect`); percent-encoding by component, form, whole URL and user-info rules with
 * hex digits of both cases, and as `URL` writes each part; JSON in a cookie; HTML by Express, React, he, Go and
 * Handlebars; doubled quotes of SQL, YAML and CSV, and those of a shell. Text beyond ASCII comes also as the bytes of its UTF-8,
 * because streams are searched byte by byte.
 */
export function textForms(text: string): string[] {
  if (NEEDS_NO_ESCAPE.test(text)) return [text];
  const forms = new Set([text]);
  const made = [
    ...jsonForms(text),
    ...urlForms(text),
    ...partForms(text),
    ...htmlForms(text),
    ...quotedForms(text),
  ];
  for (const form of made) forms.add(form);
  for (const form of [...forms]) {
    if (NOT_ASCII.test(form)) forms.add(Buffer.from(form, 'utf8').toString('latin1'));
  }
  return [...forms];
}

function jsonForms(text: string): string[] {
  const json = jsonEscaped(text);
  const ascii = json.replace(/[\u007f-\uffff]/g, unicodeEscape);
  const forms = [
    json,
    ascii,
    json.replace(/[<>&\u2028\u2029]/g, unicodeEscape),
    json.replace(/[<>&='\u2028\u2029]/g, unicodeEscape),
    json.replaceAll('/', '\\/'),
    ascii.replaceAll('/', '\\/'),
    // How util.inspect and other quoters that choose the other quote write it.
    json.replaceAll('\\"', '"'),
  ];
  const upperCase = forms
    .filter((form) => form.includes('\\u'))
    .map((form) => form.replace(/\\u[0-9a-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`));
  const twice = jsonEscaped(json);
  return [
    ...forms,
    ...upperCase,
    ...forms.slice(0, 6).map(jsonEscaped),
    jsonEscaped(twice),
    // JSON that util.inspect shows: in single quotes, or backticks; in single quotes again if it has both.
    json.replaceAll('\\', '\\\\'),
    json.replaceAll('\\', '\\\\').replaceAll("'", "\\'"),
    text.replaceAll('\\', '\\\\').replaceAll("'", "\\'"),
    // JSON in a cookie.
    encodeURIComponent(wellFormed(json)),
  ];
}

function urlForms(text: string): string[] {
  const component = encodeURIComponent(wellFormed(text));
  const strict = component.replace(/[!'()*]/g, percentEscape);
  const plus = component.replaceAll('%20', '+');
  const form = component.replace(/[!'()~]/g, percentEscape).replaceAll('%20', '+');
  const either = [component, strict, plus, form];
  const small = either.map((one) => one.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()));
  const userInfo = component.replace(/%(?:24|26|2B|2C)/g, decodeURIComponent);
  // Python's quote; Go's user and path.
  const others = [/%2F/g, /%(?:24|26|2B|2C|3B|3D)/g, /%(?:24|26|2B|3A|3D|40)/g].map((kept) =>
    strict.replace(kept, decodeURIComponent),
  );
  return [
    ...either,
    ...small,
    strict.replaceAll('%20', '+'),
    userInfo,
    ...others,
    encodeURI(wellFormed(text)),
  ];
}

/** As `URL` writes it into a query, a fragment and a path: each escapes other signs than `encodeURIComponent`. */
function partForms(text: string): string[] {
  const url = new URL('http://h/');
  url.search = text;
  url.hash = text;
  const parts = [url.search.slice(1), url.hash.slice(1)];
  // A path would be split at these, or lose its dots.
  if (!/[\\/?#]|^\.{1,2}$/.test(text)) {
    url.pathname = text;
    parts.push(url.pathname.slice(1));
  }
  return parts;
}

function quotedForms(text: string): string[] {
  return [text.replaceAll("'", "''"), text.replaceAll('"', '""'), text.replaceAll("'", "'\\''")];
}

function htmlForms(text: string): string[] {
  const body = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const doubled = body.replaceAll('"', '&quot;');
  const strict = doubled.replaceAll("'", '&#39;').replaceAll('`', '&#x60;').replaceAll('=', '&#x3D;');
  return [
    body,
    doubled,
    doubled.replaceAll("'", '&#39;'),
    doubled.replaceAll("'", '&#x27;'),
    doubled.replaceAll("'", '&#039;'),
    doubled.replaceAll("'", '&apos;'),
    body.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
    strict,
    strict.replaceAll('/', '&#x2F;'),
  ];
}

/** Half a surrogate pair cannot be encoded, and is written as a replacement character. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** As it stands in JSON. */
export function jsonEscaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function percentEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
