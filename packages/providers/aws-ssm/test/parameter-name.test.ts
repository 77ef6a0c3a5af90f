import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathOf, wanted } from '../src/parameter-name.js';

const ARN = 'arn:aws:ssm:eu-central-1:123456789012:parameter/prod/db';

describe('what a reference asks for', () => {
  it.each([
    ['token', 'token'],
    ['prod/db/password', '/prod/db/password'],
    ['aws/service/ami', '/aws/service/ami'],
    [ARN, ARN],
  ])('%s is the parameter %s', (path, name) => {
    expect(wanted({ path })).toEqual({ kind: 'parameter', name, selector: undefined });
  });

  it.each([
    ['prod/*', '/prod', false],
    ['prod/db/*', '/prod/db', false],
    ['prod/db/**', '/prod/db', true],
  ])('%s is the folder %s', (path, folder, isDeep) => {
    expect(wanted({ path })).toEqual({ kind: 'folder', path: folder, isDeep });
  });

  it.each([
    ['', 'a name with nothing in it'],
    ['/prod/db', 'a slash at the beginning'],
    ['prod//db', 'an empty part'],
    ['prod/db/', 'a slash at the end'],
    ['prod/../db', 'a part that leads elsewhere'],
    ['prod/db:3', 'a version in the name'],
    ['prod db', 'a blank'],
    ['pr*d', 'a star in a name'],
    ['*', 'everything'],
    ['prod/*/db', 'a star in the middle'],
    ['prod/***', 'three stars'],
    ['prød', 'a letter that is not ASCII'],
    [Array(16).fill('a').join('/'), 'more than fifteen parts'],
    ['n'.repeat(1_012), 'a name that is too long'],
    ['aws/reference/secretsmanager/db', 'a secret of the Secrets Manager'],
    ['arn:aws:secretsmanager:eu-central-1:123456789012:secret:db', 'an ARN of another service'],
    ['arn:aws:ssm:eu-central-1:123456789012:parameter', 'an ARN without a name'],
  ])('%s is refused: %s', (path) => {
    expect(() => wanted({ path })).toThrow(expect.objectContaining({ code: 'invalid-ref' }));
  });

  it('a version or a label selects', () => {
    expect(wanted({ path: 'a', version: '12' })).toMatchObject({ selector: '12' });
    expect(wanted({ path: 'a', stage: 'blue' })).toMatchObject({ selector: 'blue' });
  });

  it.each([
    [{ version: '0' }],
    [{ version: '-1' }],
    [{ version: '1.5' }],
    [{ version: 'blue' }],
    [{ stage: '3' }],
    [{ stage: 'awsome' }],
    [{ stage: 'a b' }],
    [{ stage: 'a:3' }],
  ])('%o is refused: a label is never taken for a version, nor the other way round', (qualifier) => {
    expect(() => wanted({ path: 'a', ...qualifier })).toThrow(
      expect.objectContaining({ code: 'invalid-ref' }),
    );
  });

  it('a folder has no version or label', () => {
    expect(() => wanted({ path: 'prod/*', version: '1' })).toThrow(/folder has no version/);
  });

  it('any parameter that has a path is read by it, and no other', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,9}$/);
    const name = fc
      .tuple(fc.boolean(), fc.array(segment, { minLength: 1, maxLength: 5 }))
      .map(([isRooted, segments]) => (isRooted || segments.length > 1 ? '/' : '') + segments.join('/'));
    fc.assert(
      fc.property(name, (name) => {
        const path = pathOf(name);
        if (path === undefined) expect(name).toMatch(/^\/[^/]+$/);
        else expect(wanted({ path })).toMatchObject({ name });
      }),
    );
  });
});
