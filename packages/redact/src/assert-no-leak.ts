import { AssertionError } from 'node:assert';
import { SecretsError } from '@keyturn/core/provider';
import { createRedactor } from './create-redactor.js';
import type { Redactor } from './redactor.js';
import { insideOf } from './redactor-inside.js';

type Piece = string | Uint8Array;
/** What a test has caught of an output: one text, or the pieces in which it came. */
export type CaughtOutput = Piece | Iterable<Piece>;
/** Values to look for, or a redactor that knows them. */
export type Canaries = Redactor | readonly Piece[];

/**
 * Fails when a known value shows in `output`, in any of its forms and however the output was cut.
 *
 * For your own tests: register a canary, do what must not leak, and hand over what came out. The message names
 * the reference (or the number of the value) and the place, never the value.
 *
 * @throws AssertionError at the first leak; for a stream the returned promise rejects with it
 * @throws SecretsError `invalid-value` for a value that is too short to be found, for nothing to look for, and for an
 *   output that is neither text nor bytes
 */
export function assertNoLeak(output: AsyncIterable<Piece>, canaries: Canaries): Promise<void>;
export function assertNoLeak(output: CaughtOutput, canaries: Canaries): void;
export function assertNoLeak(
  output: CaughtOutput | AsyncIterable<Piece>,
  canaries: Canaries,
): Promise<void> | void {
  if (typeof output === 'object' && Symbol.asyncIterator in output) {
    return gather(output).then((pieces) => check(pieces, canaries));
  }
  check(piecesOf(output), canaries);
}

function piecesOf(output: CaughtOutput): Piece[] {
  const isIterable = typeof output === 'object' && output !== null && Symbol.iterator in output;
  const pieces =
    typeof output === 'string' || output instanceof Uint8Array ? [output] : isIterable ? [...output] : [];
  const isText = pieces.every((piece) => typeof piece === 'string' || piece instanceof Uint8Array);
  if (isText && (pieces.length > 0 || isIterable)) return pieces;
  throw new SecretsError('invalid-value', {
    problem: 'The output given to assertNoLeak is neither text nor bytes, nor a list or stream of those.',
    remedy:
      'Pass what was printed first, and the values second. For objects and errors, take assertNoLeak of @keyturn/core/testing.',
  });
}

function check(pieces: readonly Piece[], canaries: Canaries): void {
  const bytes = Buffer.concat(
    pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
  );
  const text = bytes.toString('latin1');
  const inside = insideOf(redactorFor(canaries));
  if (inside.isEmpty()) {
    throw new SecretsError('invalid-value', {
      problem: 'assertNoLeak has nothing to look for.',
      remedy: 'Pass values, or a redactor that knows some, as its second argument.',
    });
  }
  const leak = inside.find(text).find(({ piece }) => piece !== undefined);
  if (leak === undefined) return;
  throw new AssertionError({
    message: `A secret leaked: ${leak.label} shows in the output at byte ${leak.start}, ${leak.end - leak.start} bytes long.`,
    stackStartFn: assertNoLeak,
  });
}

function redactorFor(canaries: Canaries): Redactor {
  if (!isList(canaries)) return canaries;
  const redactor = createRedactor({ shapes: false });
  for (const [index, value] of canaries.entries()) redactor.add(value, `values[${index}]`);
  const [unprotected] = redactor.warnings;
  if (unprotected !== undefined) {
    throw new SecretsError('invalid-value', {
      ref: unprotected.ref,
      problem: 'The value is too short to be found.',
      remedy: 'Take a canary of 8 characters or more.',
    });
  }
  return redactor;
}

function isList(canaries: Canaries): canaries is readonly Piece[] {
  return Array.isArray(canaries);
}

async function gather(output: AsyncIterable<Piece>): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of output) pieces.push(piece);
  return pieces;
}
