import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Headers that say how to read the answer; whatever they say, it is no secret. */
const FRAMING = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'transfer-encoding',
]);

interface RawNames extends ServerResponse {
  readonly getRawHeaderNames?: () => string[];
}

/** What `writeHead` takes: an object, or names and values in turn or in pairs. */
export type GivenHeaders = OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined;

/** Sets what was given to `writeHead`, in the place of what was set before, as Node does. */
export function setGivenHeaders(response: ServerResponse, given: GivenHeaders): void {
  if (given === undefined || given === null) return;
  if (!Array.isArray(given)) {
    for (const [name, value] of Object.entries(given))
      if (name !== '') response.setHeader(name, value as OutgoingHttpHeader);
    return;
  }
  const flat = given.flat() as string[];
  for (let index = 0; index < flat.length; index += 2) response.removeHeader(flat[index] as string);
  for (let index = 0; index < flat.length; index += 2)
    response.appendHeader(flat[index] as string, flat[index + 1] as string);
}

/** Masks the values of all headers that are set. */
export function maskHeaders(response: ServerResponse, mask: (text: string) => string): void {
  const { getRawHeaderNames } = response as RawNames;
  // Those of HTTP/2 have no case to keep.
  for (const name of getRawHeaderNames?.call(response) ?? response.getHeaderNames()) {
    if (FRAMING.has(name.toLowerCase())) continue;
    const value = response.getHeader(name) as OutgoingHttpHeader;
    const masked = maskHeader(value, mask);
    if (masked !== value) response.setHeader(name, masked);
  }
}

/** A header with its values masked; the same if nothing in it is secret. */
export function maskHeader<Value>(value: Value, mask: (text: string) => string): Value | string | string[] {
  if (!Array.isArray(value)) {
    const text = String(value);
    const masked = mask(text);
    return masked === text ? value : masked;
  }
  const texts = value.map(String);
  const masked = texts.map(mask);
  return masked.some((text, index) => text !== texts[index]) ? masked : value;
}
