import { types } from 'node:util';

/**
 * What a log shows in place of something that must not be dumped or cannot be copied; absent for the rest.
 *
 * Keys and certificates travel as bytes, so binary data shows its type and size only.
 */
export function standIn(value: object): string | undefined {
  if (ArrayBuffer.isView(value)) {
    const { name } = value.constructor;
    return `[${Buffer.isBuffer(value) ? 'Buffer' : name}: ${value.byteLength} bytes]`;
  }
  if (types.isAnyArrayBuffer(value)) return `[ArrayBuffer: ${value.byteLength} bytes]`;
  if (typeof value === 'function') return '[Function]';
  if (types.isPromise(value)) return '[Promise]';
  if (types.isWeakMap(value) || types.isWeakSet(value)) return '[Weak]';
  if (types.isCryptoKey(value) || types.isKeyObject(value)) return '[Key]';
  return undefined;
}
