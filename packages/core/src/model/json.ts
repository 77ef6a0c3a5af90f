import { isLosslessNumber, parse, stringify } from 'lossless-json';

/**
 * Parses JSON without losing digits: every number is kept as its literal text inside an opaque object that
 * {@link jsonText} and {@link jsonNumber} understand. `JSON.parse` would round integers beyond 2^53.
 *
 * @throws SyntaxError whose message may quote the text: never let it escape
 */
export function parseJson(text: string): unknown {
  return parse(text);
}

/** A value as text: strings as they are, numbers by their literal, objects as JSON. */
export function jsonText(value: unknown): string {
  return typeof value === 'string' ? value : (stringify(value) ?? '');
}

/** A number from {@link parseJson}, or undefined when the value is none. */
export function jsonNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return isLosslessNumber(value) ? Number(value.value) : undefined;
}
