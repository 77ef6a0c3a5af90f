import type { ServerResponse } from 'node:http';
import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';
import type { HeldText } from '../stream/held-text.js';
import { type IdleFlush, idleFlush } from '../stream/idle-flush.js';
import {
  type AnswerHead,
  type AnswerHeaders,
  declareMasked,
  declareStreamed,
  hasTextBody,
  TEXT_TYPES,
} from './answer-body.js';
import { redactPayload } from './redact-payload.js';
import { type GivenHeaders, maskHeader, maskHeaders, setGivenHeaders } from './response-headers.js';

/** What of an answer is masked, and how. */
export interface RedactResponseOptions {
  /** Mask bodies of text. Default true. */
  readonly bodies?: boolean;
  /** Mask the values of headers and trailers. Default true. */
  readonly headers?: boolean;
  /** Which media types are text, in lower case and without parameters. Default `text/*`, JSON, XML, JavaScript, forms. */
  readonly contentTypes?: RegExp;
  /**
   * Mask also what looks like a token, and what stands under a name such as `token`. Default false: an API that hands
   * out tokens would hand out masks.
   */
  readonly shapes?: boolean;
  /** How long the end of a line waits for more before it is sent, in milliseconds. Default 50. */
  readonly idleMs?: number;
}

/** The answer of a framework that hands over its payload before it sends it. */
export interface Answer extends AnswerHead, AnswerHeaders {}

/** Masks one response. */
export interface ResponseGuard {
  /**
   * The payload masked, with the headers of `answer` corrected, for whoever is to compress or hash it; from then on the
   * body passes as it is. A payload that is no text, bytes or stream comes back, and is masked when it is written.
   */
  redactPayload(payload: unknown, answer: Answer): unknown;
}

type Done = (error?: Error | null) => void;
type Loose = (...args: unknown[]) => never;

/**
 * Masks registered values in what `response` sends from now on: headers, trailers, and a body of text while it streams.
 *
 * Must be called before whatever is to be masked is written, and after whatever compresses it has wrapped the response:
 * a body with a `content-encoding`, a part of one (206), and one that is no text pass untouched. The length is corrected
 * when it is known, and otherwise left out. Masks say `[REDACTED]` and no more, whatever `showRef` says, since a client
 * reads them.
 *
 * @throws SecretsError `invalid-config` for a redactor that `createRedactor` did not make
 */
export function redactResponse(
  response: ServerResponse,
  redactor: Redactor,
  options: RedactResponseOptions = {},
): ResponseGuard {
  const { bodies = true, headers = true, contentTypes = TEXT_TYPES, shapes = false, idleMs = 50 } = options;
  const inside = insideOf(redactor);
  const outward = inside.outward(shapes);
  const writeHead = response.writeHead.bind(response) as Loose;
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  const end = response.end.bind(response) as Loose;
  const addTrailers = response.addTrailers?.bind(response);
  const maskText = (text: string): string => outward.mask(text, 'http headers');
  let decided = !bodies;
  let held: HeldText | undefined;
  let idle: IdleFlush | undefined;

  const head: AnswerHead = {
    method: response.req?.method,
    get status() {
      return response.statusCode;
    },
    header: (name) => response.getHeader(name),
  };
  const isText = (): boolean => {
    decided = true;
    return hasTextBody(head, contentTypes);
  };
  const decideToStream = (): void => {
    if (decided || !isText()) return;
    if (!response.headersSent) declareStreamed(response);
    const holding = outward.hold('http body');
    held = holding;
    idle = idleFlush(holding, inside.clock, idleMs, (text) => {
      if (text !== '' && !response.destroyed && !response.writableEnded) write(Buffer.from(text, 'latin1'));
    });
    response.once('close', idle.stop);
  };

  response.writeHead = (status: number, reason?: string | GivenHeaders, given?: GivenHeaders) => {
    if (response.headersSent) return writeHead(status, reason, given);
    const text = typeof reason === 'string' ? reason : response.statusMessage;
    setGivenHeaders(response, typeof reason === 'string' ? given : (reason ?? given));
    response.statusCode = status;
    decideToStream();
    if (!headers) return text ? writeHead(status, text) : writeHead(status);
    maskHeaders(response, maskText);
    return text ? writeHead(status, maskText(text)) : writeHead(status);
  };

  response.write = (chunk: unknown, encoding?: BufferEncoding | Done, written?: Done) => {
    decideToStream();
    if (held === undefined || !isChunk(chunk) || response.writableEnded || response.destroyed)
      return write(chunk, encoding, written);
    const done = typeof encoding === 'function' ? encoding : written;
    const out = held.push(bytesOf(chunk, encoding).toString('latin1'));
    idle?.touch();
    if (out !== '') return write(Buffer.from(out, 'latin1'), done);
    if (!response.headersSent) response.flushHeaders();
    if (done !== undefined) process.nextTick(done);
    return true;
  };

  response.end = (...args: [chunk?: unknown, encoding?: unknown, ended?: unknown]) => {
    const [chunk, encoding] = args;
    const done = args.find((argument) => typeof argument === 'function');
    const before = isChunk(chunk) ? bytesOf(chunk, encoding) : undefined;
    if (!decided && !response.headersSent) {
      if (before === undefined || !isText()) return end(...args);
      const text = before.toString('latin1');
      const masked = outward.mask(text, 'http body');
      if (masked === text) return end(...args);
      declareMasked(response, masked.length);
      return end(Buffer.from(masked, 'latin1'), done);
    }
    if (held === undefined) return end(...args);
    const last = held;
    held = undefined;
    const out = (before === undefined ? '' : last.push(before.toString('latin1'))) + last.flush();
    return out === '' ? end(done) : end(Buffer.from(out, 'latin1'), done);
  };

  if (headers) {
    const writeEarlyHints = response.writeEarlyHints?.bind(response);
    response.writeEarlyHints = (hints, sent) => {
      const masked = Object.entries(hints).map(([name, value]) => [name, maskHeader(value, maskText)]);
      writeEarlyHints(Object.fromEntries(masked), sent);
    };
    response.addTrailers = (trailers) => {
      const pairs = (Array.isArray(trailers) ? trailers : Object.entries(trailers)) as [string, unknown][];
      addTrailers(pairs.map(([name, value]): [string, string] => [name, maskText(String(value))]));
    };
  }

  return {
    redactPayload(payload, answer) {
      if (decided || !hasTextBody(answer, contentTypes)) return payload;
      const masked = redactPayload(payload, answer, outward, inside.clock, idleMs);
      if (masked === undefined) return payload;
      decided = true;
      return masked;
    },
  };
}

function isChunk(chunk: unknown): chunk is string | Uint8Array {
  return typeof chunk === 'string' || chunk instanceof Uint8Array;
}

function bytesOf(chunk: string | Uint8Array, encoding: unknown): Buffer {
  return typeof chunk === 'string'
    ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
