import { randomBytes, randomInt, randomUUID } from 'node:crypto';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';

/** `length` letters and digits. */
export function base62(length: number): string {
  return pick(BASE62, length).join('');
}

/** A random UUID. */
export const uuid: () => string = randomUUID;

/** The id of a service token: OpenBao's `s.` and 24 letters and digits. */
export function serviceTokenId(): string {
  return `s.${base62(24)}`;
}

/** The id of a batch token. The server's own is an encrypted blob; to a client it is as opaque as this one. */
export function batchTokenId(): string {
  return `b.AAAAAQ${randomBytes(96).toString('base64url')}`;
}

/**
 * A password as the database engine makes one without a policy: 20 characters, at least one each of lower case,
 * upper case, digits and hyphens, so that it needs no quoting in SQL or in a URL.
 */
export function databasePassword(): string {
  const required = [LOWER, UPPER, DIGITS, '-'].flatMap((alphabet) => pick(alphabet, 1));
  const characters = [...required, ...pick(`${LOWER}${UPPER}${DIGITS}-`, 16)];
  for (let at = characters.length - 1; at > 0; at--) {
    const other = randomInt(at + 1);
    [characters[at], characters[other]] = [characters[other] as string, characters[at] as string];
  }
  return characters.join('');
}

function pick(alphabet: string, count: number): string[] {
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)] as string);
}
