import { expect, it } from 'vitest';
import { crc32c } from '../src/crc32c.js';

const range = Array.from({ length: 32 }, (_, byte) => byte);

it.each([
  ['nothing', [], 0],
  ['the digits', [...Buffer.from('123456789')], 0xe3069283],
  ['zeros', range.map(() => 0), 0x8a9136aa],
  ['ones', range.map(() => 0xff), 0x62a8ab43],
  ['ascending', range, 0x46dd794e],
  ['descending', range.toReversed(), 0x113fdb5c],
])('RFC 3720, appendix B.4: %s', (_, bytes, expected) => {
  expect(crc32c(Uint8Array.from(bytes))).toBe(expected);
});
