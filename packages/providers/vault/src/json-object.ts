/** A JSON object as it came from the server, numbers still by their literal text. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** `value` when it is a JSON object; a number that kept its literal text is none. */
export function objectOf(value: unknown): JsonObject | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getPrototypeOf(value) === Object.prototype ? (value as JsonObject) : undefined;
}

/** `value` when it is a text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
