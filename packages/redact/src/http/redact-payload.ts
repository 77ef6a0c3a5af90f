import { pipeline, Readable } from 'node:stream';
import type { Outward } from '../outward.js';
import type { RedactorClock } from '../redactor.js';
import { redactStream } from '../stream/redact-stream.js';
import { type AnswerHeaders, declareMasked, declareStreamed } from './answer-body.js';

/**
 * A payload of text masked, with the headers corrected: a text, bytes, or a stream of Node or the web.
 *
 * @returns undefined for anything else
 */
export function redactPayload(
  payload: unknown,
  headers: AnswerHeaders,
  outward: Outward,
  clock: RedactorClock,
  idleMs: number,
): unknown {
  if (typeof payload === 'string' || payload instanceof Uint8Array) {
    const text = Buffer.from(payload as Uint8Array).toString('latin1');
    const masked = outward.mask(text, 'http body');
    if (masked === text) return payload;
    declareMasked(headers, masked.length);
    return Buffer.from(masked, 'latin1');
  }
  const source = payload instanceof ReadableStream ? Readable.fromWeb(payload as never) : payload;
  if (!isReadable(source)) return undefined;
  declareStreamed(headers);
  const masked = redactStream(outward.hold('http body'), clock, idleMs);
  // Whichever side fails destroys the other; who sends the stream hears of it there.
  pipeline(source, masked, () => {});
  return masked;
}

function isReadable(value: unknown): value is NodeJS.ReadableStream {
  return typeof value === 'object' && value !== null && 'pipe' in value && typeof value.pipe === 'function';
}
