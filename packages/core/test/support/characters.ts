import fc from 'fast-check';

/** Characters that some syntax gives a meaning to, that need encoding, or that are not what they look like. */
const CHARACTERS = [
  ...'abzAZ09-_.~:/?#[]@!$&\'()*+,;=%{}"<>\\^`| \t\n\0\u007f\u0085\u00e9\u4e2d\u202e\ufeff',
  '\u{1f511}',
  '\ud83d',
  '\udd11',
  '%2e',
  '%2F',
  '%25',
  '..',
];

/** A character, or a sequence of them that is known for trouble. */
export const character: fc.Arbitrary<string> = fc.constantFrom(...CHARACTERS);

/** Text of such characters that has a UTF-8 form. */
export const encodable = (
  constraints: { readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<string> =>
  fc.string({ unit: character.filter((unit) => !/\p{Cs}/u.test(unit)), ...constraints });

/** Text that need not have one. */
export const anyText = (constraints: { readonly maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.string({ unit: character, ...constraints });
