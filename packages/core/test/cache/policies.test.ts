import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPattern, policiesOf } from '../../src/cache/policies.js';
import { formatRef, parseRef } from '../../src/model/secret-ref.js';
import { targetOf } from '../../src/provider/target.js';
import { character } from '../support/characters.js';
import { problemOf } from '../support/problem.js';

const BASE = { ttlMs: 1, maxStaleMs: 1 };
const OTHER = { ttlMs: 2, maxStaleMs: 2 };

/** Whether `pattern` matches `ref`. */
const matches = (pattern: string, ref: string) =>
  policiesOf(BASE, [{ pattern, policy: OTHER }])(targetOf(parseRef(ref))) === OTHER;

/** Whether a reference can have `path`: not, say, with a control character behind an escape. */
const canBeWritten = (path: string) => {
  try {
    return parseRef(formatRef({ alias: 'p', path })).path === path;
  } catch {
    return false;
  }
};

/** Paths that a reference can have, with what a regular expression, a URL or a pattern gives a meaning to. */
const path = fc.string({ unit: character, minLength: 1, maxLength: 12 }).filter((text) => canBeWritten(text));

const withoutStars = path.filter((text) => !text.includes('*'));

describe('a pattern', () => {
  it.each([
    ['p:a', 'p:a', true],
    ['p:a', 'p:ab', false],
    ['p:a', 'p:ba', false],
    ['p:a', 'p:a/b', false],
    ['p:a', 'p:b/a', false],
    ['p:a', 'q:a', false],
    ['p:a', 'p:A', false],
    ['p:*', 'p:a', true],
    ['p:*', 'p:a/b', false],
    ['p:a*', 'p:a', true],
    ['p:a*c', 'p:abbc', true],
    ['p:a*c', 'p:ab/c', false],
    ['p:*/b', 'p:a/b', true],
    ['p:*/b', 'p:a/a/b', false],
    ['p:**', 'p:a', true],
    ['p:**', 'p:a/b/c', true],
    ['p:a/**', 'p:a/b/c', true],
    ['p:a/**', 'p:a', false],
    ['p:a/**', 'p:ab/c', false],
    ['p:**/c', 'p:a/b/c', true],
    ['p:a/**/d', 'p:a/b/c/d', true],
    ['*:a', 'p:a', true],
    ['*:a', 'p:a/b', false],
    ['p*:a', 'prod:a', true],
    ['p*:a', 'q:a', false],
    ['**:**', 'p:a/b', true],
  ])('%s on %s: %s', (pattern, ref, expected) => {
    expect(matches(pattern, ref)).toBe(expected);
  });

  it('F29: matches every version, stage and field of a path', () => {
    for (const ref of ['p:a', 'p:a?version=3', 'p:a?stage=AWSPREVIOUS', 'p:a#key', 'p:a?version=3#key'])
      expect(matches('p:a', ref)).toBe(true);
  });

  it('with a star in its alias does not reach into the path', () => {
    expect(matches('p*:b', 'p:a:b')).toBe(false);
    expect(matches('*:b', 'p:a:b')).toBe(false);
  });

  it('that is a reference without a star matches exactly that', () => {
    fc.assert(
      fc.property(withoutStars, path, (one, other) => {
        const [ref, otherRef] = [
          formatRef({ alias: 'p', path: one }),
          formatRef({ alias: 'p', path: other }),
        ];
        expect(matches(ref, ref)).toBe(true);
        expect(matches(ref, otherRef)).toBe(one === other);
      }),
      {
        numRuns: 1_000,
        examples: [
          ['a#b', 'a'],
          ['a?b', 'a'],
          ['a%b', 'a'],
          ['a.b', 'axb'],
          ['a+', 'aa'],
        ],
      },
    );
  });

  it('of a part and stars matches what has that part, whatever its characters mean elsewhere', () => {
    const letters = fc.stringMatching(/^[a-z]{1,5}$/);
    fc.assert(
      fc.property(withoutStars, letters, letters, (part, before, after) => {
        fc.pre(canBeWritten(before + part + after));
        const written = formatRef({ alias: 'p', path: part }).slice(2);
        const ref = `p:${before}${written}${after}`;
        expect(matches(`p:*${written}*`, ref)).toBe(true);
        expect(matches(`p:**${written}**`, ref)).toBe(true);
        expect(matches(`p:${before}*${after}`, ref)).toBe(!part.includes('/'));
        expect(matches(`p:${before}**${after}`, ref)).toBe(true);
      }),
    );
  });
});

describe('the rules', () => {
  const ruled = policiesOf(BASE, [
    { pattern: 'p:a/b', policy: { ttlMs: 10, maxStaleMs: 0 } },
    { pattern: 'p:a/*', policy: { ttlMs: 20, maxStaleMs: 0 } },
    { pattern: 'p:**', policy: { ttlMs: 30, maxStaleMs: 0 } },
  ]);
  const ttlMs = (ref: string) => ruled(targetOf(parseRef(ref))).ttlMs;

  it('are tried in order, and the first that matches counts', () => {
    expect(['p:a/b', 'p:a/c', 'p:x', 'q:a/b'].map(ttlMs)).toEqual([10, 20, 30, 1]);
  });

  it('are none: the base holds for all', () => {
    expect(policiesOf(BASE, [])(targetOf(parseRef('p:a')))).toBe(BASE);
  });
});

describe('a pattern that can match nothing', () => {
  const aliases = ['vault', 'env'];
  const isRefused = (pattern: string) => {
    try {
      checkPattern(pattern, aliases, 'cache.overrides');
      return false;
    } catch {
      return true;
    }
  };

  it.each([
    '',
    ':',
    '*',
    '**',
    'vault',
    'vault:',
    ':secret/a',
    'secret/**',
    'valut:secret/a',
    'vault:a#key',
    'vault:a?version=1',
    'vault:a?stage=x',
    'x*:a',
    '*x:a',
    'v*s:a',
    'va ult*:a',
    '*/b:a',
  ])('%j is refused', (pattern) => {
    expect(isRefused(pattern)).toBe(true);
  });

  it.each(['vault:a', 'vault:**', '*:a', '**:**', 'v*:a', '*v:a', 'e*v:a', 'vault*:a', 'vault:a:b'])(
    '%j is not',
    (pattern) => {
      expect(isRefused(pattern)).toBe(false);
    },
  );

  it('is named, with the aliases that there are', () => {
    const { code, message } = problemOf(() => checkPattern('valut:a', aliases, 'cache.overrides'));
    expect(code).toBe('invalid-config');
    for (const part of ['"valut:a"', 'cache.overrides', 'vault, env']) expect(message).toContain(part);
  });
});
