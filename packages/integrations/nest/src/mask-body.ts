import { types } from 'node:util';

/** Smaller numbers are never registered values: those have four characters or more. */
const SMALLEST_NUMBER = 1_000;

/**
 * `body` with `mask` applied to every text that JSON would show of it. What has nothing to mask is returned as it is,
 * so that instances keep their identity for the serializer; bytes and streams are not looked into.
 */
export function maskBody(body: unknown, mask: (text: string) => string): unknown {
  const parents = new Set<object>();

  const masked = (value: unknown): unknown => {
    switch (typeof value) {
      case 'string':
        return mask(value);
      case 'number':
      case 'bigint':
        return value < SMALLEST_NUMBER || mask(String(value)) === String(value) ? value : mask(String(value));
      case 'object':
        return value === null || isOpaque(value) || parents.has(value) ? value : maskedObject(value);
      default:
        return value;
    }
  };
  const maskedObject = (value: object): unknown => {
    parents.add(value);
    const copy = maskedParts(value);
    parents.delete(value);
    return copy;
  };
  const maskedParts = (value: object): unknown => {
    if (Array.isArray(value)) {
      const copy = value.map(masked);
      return copy.some((element, index) => !Object.is(element, value[index])) ? copy : value;
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') {
      const shown: unknown = toJSON.call(value, '');
      const copy = masked(shown);
      return copy === shown ? value : copy;
    }
    const entries = Object.entries(value);
    const copies = entries.map(([name, content]) => [mask(name), masked(content)] as const);
    const isSame = copies.every(([name, content], index) => {
      const [oldName, old] = entries[index] ?? [];
      return name === oldName && Object.is(content, old);
    });
    if (isSame) return value;
    const copy: object = Object.create(Object.getPrototypeOf(value));
    // Defined, not assigned: an assignment to `__proto__` would set the prototype.
    for (const [name, content] of copies) Object.defineProperty(copy, name, { ...DATA, value: content });
    return copy;
  };
  return masked(body);
}

const DATA = { enumerable: true, writable: true, configurable: true };

/** Bytes, streams, files made of one, and dates. */
function isOpaque(value: object): boolean {
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value) || types.isDate(value)) return true;
  const { pipe, getStream } = value as { pipe?: unknown; getStream?: unknown };
  return typeof pipe === 'function' || typeof getStream === 'function';
}
