const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = /^[0-9a-f]{32,}$/i;
/** Words, numbers and paths: what people and programs name things. */
const NAME_LIKE = /^(?:[A-Za-z]+|\d{1,14})(?:[-_./:@]+(?:[A-Za-z]+|v?\d{1,14}))*$/;
const NOT_ASCII = /[^ -~]/;
const SHORTEST_RANDOM = 16;
/** So much of a value tells enough, and costs the same however long it is. */
const LONGEST_LOOK = 256;
/** Shannon entropy per character that prose and names of that length do not reach together with digits. */
const RANDOM_BITS = 3.2;

/**
 * Whether `value`, which stands next to a word such as `token`, looks drawn by lot.
 *
 * Only there may this be asked: elsewhere hashes, ids and images look the same.
 */
export function looksRandom(value: string): boolean {
  const text = value.slice(0, LONGEST_LOOK);
  if (text.length < SHORTEST_RANDOM || NOT_ASCII.test(text)) return false;
  if (UUID.test(text) || HEX.test(text)) return true;
  if (NAME_LIKE.test(text)) return false;
  const digits = text.match(/\d/g)?.length ?? 0;
  return digits >= 2 && /[A-Za-z]/.test(text) && bitsPerCharacter(text) >= RANDOM_BITS;
}

function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
