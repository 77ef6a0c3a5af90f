import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idIn, isAnswerTo, wanted } from '../src/secret-id.js';

const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf';
const VERSION = 'a1b2c3d4-5678-90ab-cdef-EXAMPLE11111';

describe('what a reference asks for', () => {
  it.each(['prod/db', 'a', 'with_+=.@-all', ARN, ARN.slice(0, -7), ARN.replace('prod/db', '/prod/db')])(
    '%s is a secret',
    (path) => {
      expect(wanted({ path }).id).toBe(path);
    },
  );

  it.each([
    ['', 'a name with nothing in it'],
    ['/prod/db', 'a slash at the beginning'],
    ['prod//db', 'an empty part'],
    ['prod/../db', 'a part that leads elsewhere'],
    ['prod db', 'a blank'],
    ['prod:db', 'a colon'],
    ['prød', 'a letter that is not ASCII'],
    ['{{prod}}', 'a template'],
    ['n'.repeat(513), 'a name that is too long'],
    ['arn:aws:ssm:eu-central-1:123456789012:parameter/prod/db', 'an ARN of another service'],
    ['arn:aws:secretsmanager:eu-central-1:12:secret:prod/db', 'an ARN without an account'],
    ['arn:aws:secretsmanager:eu-central-1:123456789012:secret:', 'an ARN without a name'],
  ])('%s is refused: %s', (path) => {
    expect(() => wanted({ path })).toThrow(expect.objectContaining({ code: 'invalid-ref' }));
  });

  it.each([
    [{ version: '3' }],
    [{ version: `${VERSION}/x`.padEnd(40, 'x') }],
    [{ stage: 'a b' }],
    [{ stage: 's'.repeat(257) }],
  ])('%o is refused', (qualifier) => {
    expect(() => wanted({ path: 'prod/db', ...qualifier })).toThrow(
      expect.objectContaining({ code: 'invalid-ref' }),
    );
  });

  it('is the current version unless another is named', () => {
    expect(wanted({ path: 'a' }).isCurrent).toBe(true);
    expect(wanted({ path: 'a', stage: 'AWSCURRENT' }).isCurrent).toBe(true);
    expect(wanted({ path: 'a', stage: 'AWSPREVIOUS' }).isCurrent).toBe(false);
    expect(wanted({ path: 'a', version: VERSION }).isCurrent).toBe(false);
  });
});

describe('the ARN in a region', () => {
  it('is the same for a region of its own, for a name, and where the region is not known', () => {
    expect(idIn('eu-central-1', ARN, [])).toBe(ARN);
    expect(idIn('us-east-1', 'prod/db', [])).toBe('prod/db');
    expect(idIn(undefined, ARN, [])).toBe(ARN);
  });

  it('is that of the replica among regions that replicate', () => {
    expect(idIn('us-east-1', ARN, ['eu-central-1', 'us-east-1'])).toBe(
      ARN.replace('eu-central-1', 'us-east-1'),
    );
  });

  it('is refused elsewhere, with the setting to look at', () => {
    expect(() => idIn('us-east-1', ARN, ['us-east-1'])).toThrow(/is of eu-central-1.*setting region/);
  });
});

describe('whether an answer is of the secret that was asked for', () => {
  it('a name is matched whole', () => {
    expect(isAnswerTo('prod/db', { Name: 'prod/db', ARN })).toBe(true);
    expect(isAnswerTo('prod/d', { Name: 'prod/db', ARN })).toBe(false);
  });

  it('an ARN without its end is not a prefix', () => {
    const partial = ARN.slice(0, -'-AbCdEf'.length);
    expect(isAnswerTo(partial, { Name: 'prod/db', ARN })).toBe(true);
    expect(isAnswerTo(partial.slice(0, -1), { Name: 'prod/db', ARN })).toBe(false);
    expect(isAnswerTo(partial, { Name: 'prod/db-2', ARN: `${partial}-2-AbCdEf` })).toBe(false);
  });

  it('any name: the whole and the partial ARN are answered by it, and by no longer name', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_+=.@-]{1,20}(\/[A-Za-z0-9_+=.@-]{1,20})?$/);
    const suffix = fc.stringMatching(/^[A-Za-z0-9]{6}$/);
    fc.assert(
      fc.property(name, fc.stringMatching(/^[A-Za-z0-9/]{1,9}$/), suffix, (name, more, suffix) => {
        const base = `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}`;
        const arn = `${base}-${suffix}`;
        expect(isAnswerTo(base, { ARN: arn, Name: name })).toBe(true);
        expect(isAnswerTo(arn, { ARN: arn, Name: name })).toBe(true);
        const longer = { ARN: `${base}${more}-${suffix}`, Name: `${name}${more}` };
        expect(isAnswerTo(base, longer)).toBe(false);
        expect(isAnswerTo(name, longer)).toBe(false);
      }),
    );
  });
});
