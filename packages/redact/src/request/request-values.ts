import type { IncomingMessage } from 'node:http';
import type { KeyTest } from '../keys/sensitive-keys.js';
import { ownData } from '../object/own-data.js';
import type { ScopeSource } from './value-scope.js';

type Entry = readonly [value: string, ref: string];

/** Shorter values of a client are words, with which it could blank out the log. */
const SHORTEST = 8;
/** A cookie may be named anything; what does not name a secret counts from this length on. */
const SHORTEST_COOKIE = 16;
/** What one request can make us look for: so many values, of so many characters together. */
const MOST_VALUES = 32;
const MOST_CHARACTERS = 8_192;
/** A sign that is escaped somewhere counts as so many characters, because of the forms that it makes. */
const SIGN_COUNTS = 16;
/** What makes the frame of a line of JSON, with which a client could tear its log lines apart. */
const STRUCTURE = /"\s*[:,}\]]|[:,{[]\s*"/;
/** A time, a status or a count: without it a line says nothing of when. */
const COUNT = /^\d{1,13}$/;
/** How much of a body is looked through. */
const DEEPEST = 6;
const MOST_ENTRIES = 1_000;

/** Names in masks come from here, never from the client: masks are remembered. */
const NAMED_HEADERS = new Set(['authorization', 'proxy-authorization', 'x-api-key']);

/** What is needed of a request, besides its body. */
interface RequestHead {
  readonly rawHeaders: readonly string[];
  readonly url: string;
  /** Method and path, as a log shows them. */
  readonly line: string;
  /** Where it came from, also by the word of a proxy. */
  readonly addresses: readonly string[];
}

/**
 * What a request brought that is secret: credentials of sensitive headers, cookies, parameters of the query and fields
 * of the body.
 *
 * The client chooses them, so they are bounded: 8 characters or more each (cookies with a harmless name 16), 32 values
 * and 8,192 characters in all (a sign counts as 16), the cookies last. What a log must show to tell who asked for what
 * and when, the address, the path, numbers of up to 13 digits and the frame of JSON, cannot be named as a secret.
 */
export class RequestValues implements ScopeSource {
  readonly #isSensitive: KeyTest;
  #request: { readonly message: IncomingMessage; readonly body: () => unknown } | undefined;
  #kept: { readonly head: RequestHead; readonly fields: readonly Entry[] } | undefined;
  #body: unknown;
  #size = 0;
  #version = 0;

  constructor(message: IncomingMessage, body: () => unknown, isSensitive: KeyTest) {
    this.#isSensitive = isSensitive;
    this.#request = { message, body };
  }

  /** Changes with the body and its fields, since those are there only once it has been parsed. */
  stamp(): number {
    const body = this.#request === undefined ? this.#body : this.#request.body();
    const size = typeof body === 'object' && body !== null ? Object.keys(body).length : 0;
    if (body !== this.#body || size !== this.#size) {
      this.#body = body;
      this.#size = size;
      this.#version++;
    }
    return this.#version;
  }

  values(): Iterable<Entry> {
    const entries = new Map<string, string>();
    const kept = this.#kept ?? this.#read();
    if (kept === undefined) return entries;
    const { head, fields } = kept;
    let left = MOST_CHARACTERS;
    for (const [value, ref] of this.#all(head, fields)) {
      if (entries.size >= MOST_VALUES) break;
      const hides = tellsWho(value, head) || STRUCTURE.test(value) || COUNT.test(value);
      if (hides || entries.has(value)) continue;
      const { affordable, cost } = within(value.trim(), left);
      if (affordable.length < SHORTEST) continue;
      left -= cost;
      entries.set(affordable, ref);
    }
    return entries;
  }

  /** Lets go of the request, not of what it brought: what it started may log after it has been answered. */
  detach(): void {
    this.stamp();
    this.#kept ??= this.#read();
    this.#request = undefined;
    this.#body = undefined;
  }

  #read() {
    if (this.#request === undefined) return undefined;
    const { message, body } = this.#request;
    const { rawHeaders, url = '', method } = message;
    const { originalUrl } = message as { originalUrl?: unknown };
    const path = (typeof originalUrl === 'string' ? originalUrl : url).split('?', 1)[0];
    const proxied = ['x-forwarded-for', 'x-real-ip', 'forwarded'].map((name) => message.headers[name]);
    const addresses = [message.socket?.remoteAddress, ...proxied.flat()].filter((text) => text !== undefined);
    const head = { rawHeaders, url, line: `${method} ${path}`, addresses };
    return { head, fields: [...this.#fields(body())] };
  }

  *#all({ rawHeaders, url }: RequestHead, fields: readonly Entry[]): Iterable<Entry> {
    const cookies: string[] = [];
    // The raw ones: Node leaves out what is there twice, and a handler may have deleted some.
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = (rawHeaders[index] as string).toLowerCase();
      const value = rawHeaders[index + 1] as string;
      if (name === 'cookie') cookies.push(value);
      else if (this.#isSensitive(name)) {
        const ref = `request:${NAMED_HEADERS.has(name) ? name : 'header'}`;
        for (const credential of credentialsIn(value)) yield [credential, ref];
      }
    }
    yield* fields;
    const query = url.indexOf('?') + 1;
    if (query > 0) yield* this.#pairs(url.slice(query), '&', 'request:query', Number.POSITIVE_INFINITY);
    for (const cookie of cookies) yield* this.#pairs(cookie, /; */, 'request:cookie', SHORTEST_COOKIE);
  }

  /** Values of `name=value`, as they stand and decoded; also under harmless names, if they are long enough. */
  *#pairs(text: string, separator: string | RegExp, ref: string, shortest: number): Iterable<Entry> {
    for (const pair of text.split(separator)) {
      const equals = pair.indexOf('=');
      if (equals < 1) continue;
      const value = pair.slice(equals + 1).replace(/^"(.*)"$/, '$1');
      if (value.length < Math.min(shortest, SHORTEST)) continue;
      if (value.length < shortest && !this.#namesSecret(decoded(pair.slice(0, equals)))) continue;
      const plain = decoded(value);
      yield [plain, ref];
      yield [value, ref];
      // A cookie that the server signed: what it logs is what lies between the mark and the signature.
      if (plain.startsWith('s:')) yield [plain.slice(2, plain.lastIndexOf('.')), ref];
    }
  }

  /** `user[password]` is a password. */
  #namesSecret(name: string): boolean {
    const parts = name.split(/[[\]]+/).filter((part) => part !== '');
    return this.#isSensitive(parts.at(-1) ?? name);
  }

  *#fields(body: unknown): Iterable<Entry> {
    if (body === undefined) return;
    const levels: { value: unknown; secret: boolean; depth: number }[] = [
      { value: body, secret: false, depth: 0 },
    ];
    let entries = 0;
    let found = 0;
    for (const { value, secret, depth } of levels) {
      if (typeof value === 'string' && secret && value.length >= SHORTEST) {
        yield [value.slice(0, MOST_CHARACTERS), 'request:body'];
        if (++found === MOST_VALUES) return;
      }
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
      if (depth === DEEPEST) continue;
      const parts = Array.isArray(value) ? value.slice(0, MOST_ENTRIES) : value;
      for (const [name, content] of ownData(parts)) {
        if (++entries > MOST_ENTRIES) break;
        levels.push({ value: content, secret: secret || this.#namesSecret(name), depth: depth + 1 });
      }
    }
  }
}

/**
 * Whether a log without `value` would not tell who asked for what: it is the path, a part of the address, or one short
 * segment of the path.
 */
function tellsWho(value: string, { line, addresses }: RequestHead): boolean {
  const path = line.slice(line.indexOf(' ') + 1);
  const isAddress = addresses.some((address) => address.includes(value) || value.includes(address));
  const isPath = line.includes(value) && (value.includes('/') || value.length < SHORTEST_COOKIE);
  return isAddress || isPath || (path.length > 1 && value.includes(path));
}

/** `Bearer x` is `x`; of `Basic x` also the password in it, which is what a handler may log. */
function* credentialsIn(value: string): Iterable<string> {
  const [, scheme, credential = value] = /^([A-Za-z][\w-]*) +(\S.*)$/.exec(value) ?? [];
  yield credential;
  if (scheme?.toLowerCase() !== 'basic') return;
  const pair = Buffer.from(credential, 'base64').toString();
  yield pair.slice(pair.indexOf(':') + 1);
}

/** As much of `value` as `budget` allows. */
function within(value: string, budget: number): { readonly affordable: string; readonly cost: number } {
  let cost = 0;
  let length = 0;
  for (; length < value.length; length++) {
    const next = cost + (/[\w.~-]/.test(value.charAt(length)) ? 1 : SIGN_COUNTS);
    if (next > budget) break;
    cost = next;
  }
  return { affordable: value.slice(0, length), cost };
}

/** As a form writes it; as it is where that is malformed. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
