import { inspect } from 'node:util';
import { isSecretsError, SecretsError } from '@keyturn/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asSecretsError } from '../../src/errors/as-secrets-error.js';
import { ERROR_POLICY } from '../../src/errors/error-policy.js';
import { foreignCause } from '../../src/errors/foreign-cause.js';
import { CANARY } from '../support/store.js';

const INIT = { problem: 'It is sealed.', remedy: 'Unseal it.' };

describe('a SecretsError', () => {
  it('says its code, the reference, the provider and what to do', () => {
    const error = new SecretsError('unavailable', {
      ...INIT,
      ref: 'vault:app',
      provider: 'vault',
      status: 503,
    });
    expect(error.message).toBe('unavailable: vault:app (provider vault): It is sealed. Unseal it.');
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'SecretsError',
      code: 'unavailable',
      message: error.message,
      ref: 'vault:app',
      provider: 'vault',
      status: 503,
    });
  });

  it('learns where it happened, once', () => {
    const bare = new SecretsError('timeout', { ...INIT, retryAfterMs: 5, cause: { name: 'E', code: 'X' } });
    const located = bare.at({ ref: 'vault:$&', provider: 'vault' });
    expect(located.message).toContain('vault:$& (provider vault)');
    expect(located.stack).toContain(located.message);
    expect(located).toMatchObject({ code: 'timeout', retryAfterMs: 5, cause: { name: 'E', code: 'X' } });
    expect(located.at({ ref: 'other:ref', provider: 'other' })).toBe(located);
  });

  it('is known by its brand, whatever copy of the package made it', () => {
    const foreign = Object.defineProperty(new Error('x'), Symbol.for('keyturn.SecretsError'), {
      value: true,
    });
    expect(isSecretsError(foreign)).toBe(true);
    expect(isSecretsError(new SecretsError('closed', INIT))).toBe(true);
    for (const other of [new Error('x'), null, undefined, 'x', { code: 'closed' }]) {
      expect(isSecretsError(other)).toBe(false);
    }
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('F38: drops a Retry-After of %d', (retryAfterMs) => {
    expect(new SecretsError('rate-limited', { ...INIT, retryAfterMs }).retryAfterMs).toBeUndefined();
  });
});

describe('the table of errors', () => {
  it('retries only what may pass, and serves stale only what is no answer', () => {
    const codes = Object.entries(ERROR_POLICY);
    const having = (trait: 'retry' | 'tripsBreaker' | 'serveStale') =>
      codes.filter(([, policy]) => policy[trait]).map(([code]) => code);
    expect(having('retry')).toEqual(['rate-limited', 'timeout', 'unavailable']);
    expect(having('tripsBreaker')).toEqual(['timeout', 'unavailable']);
    expect(having('serveStale')).toEqual([
      'unauthenticated',
      'circuit-open',
      'rate-limited',
      'timeout',
      'unavailable',
      'bad-response',
    ]);
  });
});

describe('F49: a foreign error keeps its name, code and status', () => {
  const leaky = Object.assign(new TypeError(`Bearer ${CANARY}`), {
    code: 'ECONNREFUSED',
    response: { status: 500, body: CANARY },
    config: { headers: { 'X-Vault-Token': CANARY } },
    cause: new Error(CANARY),
    [CANARY]: CANARY,
  });

  it.each<[string, unknown, object]>([
    ['an error', leaky, { name: 'TypeError', code: 'ECONNREFUSED' }],
    [
      'a response error',
      { name: 'HttpError', statusCode: 403, message: CANARY },
      { name: 'HttpError', status: 403 },
    ],
    ['a gRPC error', { code: 5, details: CANARY }, { name: 'Error', code: 5 }],
    ['text', CANARY, { name: 'string' }],
    ['nothing', undefined, { name: 'undefined' }],
    ['null', null, { name: 'object' }],
    ['a name that is no word', { name: `oops ${CANARY}!`, code: `${CANARY} x` }, { name: 'Error' }],
  ])('%s', (_, thrown, expected) => {
    expect(foreignCause(thrown)).toEqual(expected);
  });

  it('whose getters throw', () => {
    const trap = new Proxy({}, { get: () => { throw new Error(CANARY); } }); // biome-ignore format: one line says it
    expect(foreignCause(trap)).toEqual({ name: 'Error' });
  });

  it('and nothing else gets into ours', () => {
    const error = asSecretsError(leaky, { ref: 'vault:app', provider: 'vault' });
    expect(error).toMatchObject({ code: 'unavailable', ref: 'vault:app', provider: 'vault' });
    const shown = [inspect(error, { showHidden: true, depth: null }), JSON.stringify(error), error.stack];
    expect(shown.join()).not.toContain(CANARY);
  });

  it('of ours, from any copy, is located', () => {
    const where = { ref: 'vault:app', provider: 'vault' };
    const bare = new SecretsError('timeout', INIT);
    expect(asSecretsError(bare, where)).toMatchObject({ code: 'timeout', ...where });
  });

  it('whatever is thrown, turning it into ours does not throw', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        expect(isSecretsError(asSecretsError(thrown, { ref: 'a:b', provider: 'a' }))).toBe(true);
      }),
    );
  });
});
