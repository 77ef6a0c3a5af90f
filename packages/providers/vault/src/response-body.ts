import { parseJson } from '@keyturn/core/provider';
import { type JsonObject, objectOf } from './json-object.js';

/** What stood in an answer. */
export type ResponseBody =
  | { readonly kind: 'json'; readonly content: JsonObject }
  | { readonly kind: 'none' }
  /** Not from the store: the page of a proxy, a truncated or malformed answer. Never quoted anywhere. */
  | { readonly kind: 'foreign'; readonly looks: string; readonly wantsTls: boolean };

/** What a Go server and nginx say to plain HTTP on their TLS port. */
const WANTS_TLS = /Client sent an HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port/;

/**
 * Reads the body of an answer without losing digits, and at a third of the cost where there are none to lose. Anything but one JSON object is foreign: node-vault would
 * hand out a login page with status 200 as if it were a secret.
 */
export function readBody(contentType: string | undefined, text: string): ResponseBody {
  if (text.trim() === '') return { kind: 'none' };
  const isJson = contentType === undefined || /^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType);
  const content = isJson ? objectOf(parsed(text)) : undefined;
  if (content !== undefined) return { kind: 'json', content };
  const isHtml = /html/i.test(contentType ?? '') || /^\s*</.test(text);
  const looks = isHtml ? 'HTML' : isJson ? 'broken JSON' : 'plain text';
  return { kind: 'foreign', looks, wantsTls: WANTS_TLS.test(text) };
}

/**
 * A number that `JSON.parse` would not give back as it was written: with a fraction or exponent, of more than 15 digits,
 * or -0. What looks like one inside a text is read the slow way as well, to the same end.
 */
const UNEVEN_NUMBER = /(?:"\s*:|[[,])\s*(?:-0|-?\d+[.eE]|-?\d{16})/;

/** The parser's own error may quote the text, so it ends here. */
function parsed(text: string): unknown {
  try {
    return UNEVEN_NUMBER.test(text) ? parseJson(text) : JSON.parse(text);
  } catch {
    return undefined;
  }
}
