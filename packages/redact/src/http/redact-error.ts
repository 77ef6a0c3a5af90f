import { setData, tryReading } from '../object/own-data.js';
import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';
import { maskHeader } from './response-headers.js';

/**
 * A copy of `error` in which nothing is secret: message, stack, causes and its own fields.
 *
 * It is of the same class, and keeps `status`, `statusCode`, `expose` and `headers`: in those, which an error handler
 * sends, only registered values are masked. The error itself does not change.
 */
export function redactError(error: unknown, redactor: Redactor): unknown {
  const { mask } = insideOf(redactor).outward(false);
  const copy = redactor.redactObject(error, 'http error');
  if (typeof error !== 'object' || error === null || typeof copy !== 'object' || copy === null) return copy;
  const headers = tryReading<unknown>(
    () => Object.getOwnPropertyDescriptor(error, 'headers')?.value,
    undefined,
  );
  if (typeof headers !== 'object' || headers === null || Symbol.iterator in headers) return copy;
  const kept = {};
  for (const [name, value] of Object.entries(headers))
    setData(
      kept,
      name,
      maskHeader(value, (text) => mask(text, 'http error')),
    );
  setData(copy, 'headers', kept);
  return copy;
}
