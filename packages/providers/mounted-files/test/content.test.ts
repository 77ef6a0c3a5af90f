import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withoutLineEnd } from '../src/content.js';

describe('the line end', () => {
  test.each([
    ['one line', 'secret\n', 'secret'],
    ['one line, Windows', 'secret\r\n', 'secret'],
    ['one line without a line end', 'secret', 'secret'],
    ['spaces around', ' secret \n', ' secret '],
    ['text beyond ASCII', 'pässwörd-鍵\n', 'pässwörd-鍵'],
    ['two line ends: not one line', 'secret\n\n', 'secret\n\n'],
    ['several lines (PEM)', '-----BEGIN\nAAAA\n-----END\n', '-----BEGIN\nAAAA\n-----END\n'],
    ['a carriage return alone', 'secret\r', 'secret\r'],
    ['nothing but a line end', '\n', ''],
    ['nothing', '', ''],
  ])('%s', (_, written, read) => {
    expect(withoutLineEnd(Buffer.from(written)).toString('utf8')).toBe(read);
  });

  test.each([
    ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0x41, 0x0a])],
    ['a zero byte', Buffer.from([0x41, 0x00, 0x0a])],
    ['control characters', Buffer.from([0x01, 0x41, 0x0a])],
    ['a cut sequence', Buffer.from([0x41, 0xc3, 0x0a])],
  ])('bytes with %s are kept', (_, bytes) => {
    expect(withoutLineEnd(bytes)).toBe(bytes);
  });

  test('any text of one line survives what echo does to it', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !/[\p{Cc}\ud800-\udfff]/u.test(text));
    fc.assert(
      fc.property(line, (text) => {
        expect(withoutLineEnd(Buffer.from(`${text}\n`)).toString('utf8')).toBe(text);
      }),
    );
  });

  test('of any bytes at most one line end goes, and only at the end', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('', '\n', '\r\n'), (body, end) => {
        const written = Buffer.concat([body, Buffer.from(end)]);
        const read = withoutLineEnd(written);
        expect(['', '\n', '\r\n']).toContain(written.subarray(read.length).toString('latin1'));
        expect(written.subarray(0, read.length)).toEqual(read);
      }),
    );
  });
});
