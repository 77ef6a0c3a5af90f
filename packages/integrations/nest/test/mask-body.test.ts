import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskBody } from '../src/mask-body.js';

const SECRET = 'Zq7xV91pass';
const mask = (text: string) => text.replaceAll(SECRET, '*');

describe('an answer', () => {
  test('without a value is passed on as it is', () => {
    fc.assert(
      fc.property(fc.object({ withDate: true, withBigInt: true, withMap: true }), (body) => {
        expect(maskBody(body, mask)).toBe(body);
      }),
      { examples: [[{ list: [Number.NaN, -0] }]] },
    );
  });

  test('with values reads as its JSON does with each value masked, and is not changed itself', () => {
    const text = fc.oneof(fc.string(), fc.constant(SECRET), fc.constant(`a ${SECRET} b`));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: 'small' }, text, tie('list'), tie('record')),
      list: fc.array(tie('tree'), { maxLength: 4 }),
      record: fc.dictionary(text, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(tree, (body) => {
        const before = JSON.stringify(body);
        expect(JSON.stringify(maskBody(body, mask))).not.toContain(SECRET);
        expect(JSON.stringify(body)).toBe(before);
      }),
    );
    const masked = maskBody({ a: [{ b: SECRET, c: 1 }], d: null, e: undefined }, mask);
    expect(masked).toEqual({ a: [{ b: '*', c: 1 }], d: null, e: undefined });
  });

  test('keeps its class, and what it shows of itself is masked', () => {
    class Order {
      password = SECRET;
    }
    class Shown {
      toJSON() {
        return { password: SECRET };
      }
    }
    expect(maskBody(new Order(), mask)).toBeInstanceOf(Order);
    expect(maskBody([new Shown()], mask)).toEqual([{ password: '*' }]);
    expect(maskBody(123456, (text) => text.replace('123456', '*'))).toBe('*');
  });

  test.each([
    ['bytes', Buffer.from(SECRET)],
    ['a stream', Object.assign(Readable.from([]), { note: SECRET })],
    ['a file', { getStream: () => Readable.from([]), note: SECRET }],
    ['a date', Object.assign(new Date(0), { note: SECRET })],
  ])('that is %s is not looked into', (_, body) => {
    expect(maskBody(body, mask)).toBe(body);
  });

  test('that holds itself is left to the serializer to refuse', () => {
    const body: Record<string, unknown> = { name: 'a' };
    body.self = body;
    expect(maskBody(body, mask)).toBe(body);
  });

  test('with a key named __proto__ is no way to another prototype', () => {
    const masked = maskBody(JSON.parse(`{"__proto__": {"admin": true}, "a": "${SECRET}"}`), mask);
    expect(JSON.stringify(masked)).toBe('{"__proto__":{"admin":true},"a":"*"}');
    expect(Object.getPrototypeOf(masked)).toBe(Object.prototype);
  });
});
