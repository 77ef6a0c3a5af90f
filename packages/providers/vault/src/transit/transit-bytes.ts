import { SecretsError } from '@keyturn/core/provider';

/**
 * Bytes as the store takes them.
 *
 * @throws SecretsError `invalid-value` for anything else: which bytes a text stands for is not for us to guess
 */
export function base64Of(bytes: Uint8Array, name: string): string {
  if (bytes instanceof Uint8Array) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  }
  throw new SecretsError('invalid-value', {
    problem: `What was given as ${name} is not bytes.`,
    remedy: 'Give a Uint8Array, such as Buffer.from(text).',
  });
}

/** The bytes of a base64 text, in memory of their own; undefined for what is no text. */
export function bytesIn(base64: unknown): Uint8Array | undefined {
  if (typeof base64 !== 'string') return undefined;
  // Buffer.from would put small ones into memory that it shares with others, where `.buffer` shows them all.
  const bytes = new Uint8Array(Buffer.byteLength(base64, 'base64'));
  return bytes.subarray(0, Buffer.from(bytes.buffer).write(base64, 'base64'));
}

/** @throws SecretsError `invalid-value` for anything but a text that is not empty */
export function textGiven(text: string, name: string): string {
  if (typeof text === 'string' && text !== '') return text;
  throw new SecretsError('invalid-value', {
    problem: `What was given as ${name} is not a text.`,
    remedy: 'Give it as the store wrote it: vault:v1:…',
  });
}
