import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePath, isSafePath } from '../src/api-path.js';

describe('paths', () => {
  it.each([
    'secret/../../sys/raw',
    'secret/..',
    '../sys',
    'secret/./a',
    'secret//a',
    '/secret',
    'secret/',
    '',
    'secret/%2e%2e/sys',
    'secret/%252e%252e/sys',
    'secret/%2E./sys',
    'secret\\..\\sys',
    'secret/%5c..',
    'secret/a\nb',
    'secret/a%0ab',
    'secret/a\u0000',
    'secret/\ud800',
  ])('refuses %j', (path) => {
    expect(isSafePath(path)).toBe(false);
    expect(() => encodePath(path)).toThrow(/invalid-ref/);
  });

  it.each([
    ['secret/orders', 'secret/orders'],
    ['team a/kv/é', 'team%20a/kv/%C3%A9'],
    ['secret/a?b#c&d+e%f', 'secret/a%3Fb%23c%26d%2Be%25f'],
    ['secret/a&#x2F;b', 'secret/a%26%23x2F%3Bb'],
    ['secret/..a/b..', 'secret/..a/b..'],
    ['secret/100%', 'secret/100%25'],
  ])('encodes %j', (path, encoded) => {
    expect(encodePath(path)).toBe(encoded);
  });

  it('property: what is encoded stays below where it stands, segment for segment', () => {
    const segment = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.constantFrom('..', '.', '%2e%2e', '%252e.', 'a'),
    );
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const path = segments.join('/');
        if (!isSafePath(path)) return;
        const url = new URL(`http://host/v1/secret/${encodePath(path)}?version=1`);
        expect(url.search).toBe('?version=1');
        const sent = url.pathname.slice('/v1/secret/'.length).split('/').map(decodeURIComponent);
        expect(sent).toEqual(path.split('/'));
      }),
      { numRuns: 2_000 },
    );
  });
});
