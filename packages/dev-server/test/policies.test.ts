import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAcl } from '../src/policies/acl.js';
import { HclError, parseHcl } from '../src/policies/hcl.js';
import { CAPABILITIES, type PathRule, parsePolicy } from '../src/policies/policy-document.js';

const segment = fc.constantFrom('a', 'b', 'c');
const rulePath = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constant('+')), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '/*', '*'),
  )
  .filter(([segments, end]) => !(end === '*' && segments.at(-1) === '+'))
  .map(([segments, end]) => segments.join('/') + end);
const rule: fc.Arbitrary<PathRule> = fc.record({
  path: rulePath,
  capabilities: fc.subarray([...CAPABILITIES], { minLength: 1 }),
});
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('/'));

describe('an ACL', () => {
  test('does not depend on the order of its rules', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), path, (rules, asked) => {
        const forwards = createAcl(rules).capabilities(asked);
        expect(createAcl([...rules].reverse()).capabilities(asked)).toEqual(forwards);
      }),
    );
  });

  test('grants nothing that no matching rule grants', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), path, (rules, asked) => {
        const granted = createAcl(rules).capabilities(asked);
        const possible = rules
          .filter((each) => matches(each.path, asked))
          .flatMap((each) => each.capabilities);
        for (const capability of granted) expect([...possible, 'deny']).toContain(capability);
      }),
    );
  });

  test('an exact rule decides alone', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), path, (rules, asked) => {
        const others = rules.filter((each) => each.path !== asked);
        const acl = createAcl([...others, { path: asked, capabilities: ['patch'] }]);
        expect(acl.capabilities(asked)).toEqual(['patch']);
      }),
    );
  });

  test('knows which mounts it reaches', () => {
    const acl = createAcl(
      parsePolicy(`
        path "secret/data/app/*" { capabilities = ["read"] }
        path "+/config" { capabilities = ["read"] }
        path "closed/*" { capabilities = ["deny"] }`),
    );
    expect(acl.reaches('secret/')).toBe(true);
    expect(acl.reaches('database/')).toBe(true);
    expect(acl.reaches('closed/')).toBe(true);
    expect(acl.reaches('auth/approle/')).toBe(false);
    expect(createAcl([]).reaches('secret/')).toBe(false);
  });
});

describe('HCL', () => {
  test('comments, escapes, numbers, booleans, nested blocks and trailing commas', () => {
    const body = parseHcl(`
      # one
      a = "q\\"\\n" // two
      /* three
         lines */ b = [1, -2.5, true, "x",]
      block "label" "second" { c = { d = false } }`);
    expect(body.items).toMatchObject([
      { key: 'a', labels: [], value: 'q"\n', line: 3 },
      { key: 'b', value: [1, -2.5, true, 'x'], line: 5 },
      { key: 'block', labels: ['label', 'second'], value: { items: [{ key: 'c' }] } },
    ]);
  });

  test.each([
    ['a = [1 2]', 'At 1:8: error parsing list, expected comma or list end, got: NUMBER'],
    ['a = [', 'At 1:6: Unknown token: 1:6 EOF'],
    ['a = }', 'At 1:5: Unknown token: 1:5 RBRACE'],
    ['a {', 'At 1:4: object expected closing RBRACE got: EOF'],
    ['a\nb', "At 2:2: key 'a' expected start of object ('{') or assignment ('=')"],
    ['= 1', 'At 1:1: object expected, got: ASSIGN'],
    ['a = ~', 'At 1:5: illegal character'],
  ])('%j: %s', (text, message) => {
    expect(() => parseHcl(text)).toThrow(new HclError(message));
  });
});

describe('a policy', () => {
  test('what the dev server does not evaluate is refused, not ignored', () => {
    const text = 'path "a" { capabilities = ["update"] allowed_parameters = { x = [] } }';
    expect(() => parsePolicy(text)).toThrow('the dev server does not evaluate "allowed_parameters"');
  });

  test('deny takes the rest of its block with it', () => {
    expect(parsePolicy('path "a" { capabilities = ["read", "deny"] }')).toEqual([
      { path: 'a', capabilities: ['deny'] },
    ]);
  });

  test('neither HCL nor JSON', () => {
    expect(() => parsePolicy('{"path": ')).toThrow('the text is neither HCL nor JSON');
  });
});

function matches(pattern: string, text: string): boolean {
  const source = pattern.replace(/\+/g, '[^/]*').replace(/\*$/, '.*').replace('[^/].*', '[^/]*');
  return new RegExp(`^${source}$`).test(text);
}
