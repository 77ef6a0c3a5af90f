import { createSecrets, type SecretsConfig } from '@keyturn/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { settingsOf } from '../src/config.js';
import { parseRef } from '../src/model/secret-ref.js';
import { targetOf } from '../src/provider/target.js';
import { problemOf } from './support/problem.js';

const provider = { name: 'p', fetch: async () => ({ data: 'x', version: '1' }) };
const providers = { p: provider };
const target = targetOf(parseRef('p:a'));
const wrong = (config: unknown) => problemOf(() => createSecrets(config as SecretsConfig));

describe('the configuration', () => {
  it('needs providers alone', () => {
    const { policyOf, ...settings } = settingsOf({ providers });
    expect(policyOf(target)).toEqual({ ttlMs: 300_000, maxStaleMs: 3_600_000 });
    expect(settings).toEqual({
      maxEntries: 10_000,
      isLazy: false,
      guard: { attemptTimeoutMs: 10_000, retry: { attempts: 3, firstDelayMs: 200, maxDelayMs: 5_000 } },
      breaker: { minCalls: 5, failurePercent: 50, windowMs: 10_000, resetAfterMs: 5_000 },
      resetOfSeveralMs: 1_000,
      concurrency: 32,
      rotation: { proofMs: 10_000, drainMs: 30_000, revokeMs: 5_000 },
      plainFields: new Set([
        'username',
        'user',
        'host',
        'hostname',
        'port',
        'database',
        'dbname',
        'engine',
        'region',
      ]),
    });
  });

  it('takes every setting', () => {
    const settings = settingsOf({
      providers,
      cache: { ttl: '1m', maxStale: 0, maxEntries: 1 },
      resilience: {
        attemptTimeout: '1s',
        attempts: 1,
        firstRetryDelay: '10ms',
        maxRetryDelay: '1s',
        breakerReset: '1s',
      },
      rotation: { proofTimeout: '1s', drainTimeout: '2s', revokeTimeout: '3s' },
    });
    expect(settings.policyOf(target)).toEqual({ ttlMs: 60_000, maxStaleMs: 0 });
    expect(settings.maxEntries).toBe(1);
    expect(settings.guard.retry).toEqual({ attempts: 1, firstDelayMs: 10, maxDelayMs: 1_000 });
    expect(settings.rotation).toEqual({ proofMs: 1_000, drainMs: 2_000, revokeMs: 3_000 });
  });

  it.each<[string, unknown]>([
    ['The argument', undefined],
    ['The argument', null],
    ['The argument', 'vault'],
    ['providers', {}],
    ['providers', { providers: {} }],
    ['providers', { providers: null }],
    ['providers.p', { providers: { p: undefined } }],
    ['providers.p', { providers: { p: {} } }],
    ['providers.1p', { providers: { '1p': provider } }],
    ['providers.a:b', { providers: { 'a:b': provider } }],
    ['provider', { provider }],
    ['ttl', { providers, ttl: '5m' }],
    ['cache', { providers, cache: null }],
    ['cache', { providers, cache: '5m' }],
    ['cache.tll', { providers, cache: { tll: '5m' } }],
    ['cache.ttl', { providers, cache: { ttl: '5 minutes' } }],
    ['cache.ttl', { providers, cache: { ttl: -1 } }],
    ['cache.maxStale', { providers, cache: { maxStale: Number.NaN } }],
    ['cache.maxEntries', { providers, cache: { maxEntries: 0 } }],
    ['cache.maxEntries', { providers, cache: { maxEntries: 1.5 } }],
    ['cache.overrides', { providers, cache: { overrides: null } }],
    ['cache.overrides', { providers, cache: { overrides: [] } }],
    ['cache.overrides', { providers, cache: { overrides: 'p:a' } }],
    ['cache.overrides of p:a', { providers, cache: { overrides: { 'p:a': null } } }],
    ['cache.overrides of p:a', { providers, cache: { overrides: { 'p:a': '5m' } } }],
    ['cache.overrides of p:a.tll', { providers, cache: { overrides: { 'p:a': { tll: '5m' } } } }],
    ['cache.overrides of p:a: ttl', { providers, cache: { overrides: { 'p:a': { ttl: 'soon' } } } }],
    ['cache.overrides of p:a: maxStale', { providers, cache: { overrides: { 'p:a': { maxStale: -1 } } } }],
    ['mode', { providers, mode: 'lazzy' }],
    ['mode', { providers, mode: null }],
    ['providers.p', { providers: { p: { ...provider, addresses: [] } } }],
    ['providers.p', { providers: { p: { ...provider, addresses: 'a' } } }],
    ['providers.p', { providers: { p: { ...provider, addresses: ['a', ''] } } }],
    ['providers.p', { providers: { p: { ...provider, addresses: ['a', 7] } } }],
    ['providers.p', { providers: { p: { ...provider, addresses: ['a', 'b', 'a'] } } }],
    ['providers.p', { providers: { p: { ...provider, fetchMany: true } } }],
    ['resilience.attempts', { providers, resilience: { attempts: 0 } }],
    ['resilience.retries', { providers, resilience: { retries: 3 } }],
    ['resilience.attemptTimeout', { providers, resilience: { attemptTimeout: 0 } }],
    ['resilience.firstRetryDelay', { providers, resilience: { firstRetryDelay: 0 } }],
    ['resilience.maxRetryDelay', { providers, resilience: { maxRetryDelay: 'soon' } }],
    ['resilience.breakerReset', { providers, resilience: { breakerReset: '' } }],
    ['rotation.proofTimeout', { providers, rotation: { proofTimeout: 0 } }],
    ['rotation.drainTimeout', { providers, rotation: { drainTimeout: 'never' } }],
    ['rotation.revokeTimeout', { providers, rotation: { revokeTimeout: 0 } }],
    ['redactor', { providers, redactor: {} }],
    ['plainFields', { providers, plainFields: 'username' }],
    ['plainFields', { providers, plainFields: [7] }],
    ['redactor', { providers, redactor: null }],
    ['clock', { providers, clock: { now: Date.now } }],
    ['instance', { providers, instance: 7 }],
  ])('names the wrong setting %s in %j', (setting, config) => {
    const error = wrong(config);
    expect(error.code).toBe('invalid-config');
    expect(error.message).toMatch(new RegExp(`(^|[ ])${setting.replaceAll('.', '\\.')} `));
  });

  it.each(['attemptTimeout', 'firstRetryDelay', 'maxRetryDelay'])(
    'F10: refuses a resilience.%s that would overflow a timer and fire at once',
    (name) => {
      expect(wrong({ providers, resilience: { [name]: '25d' } }).message).toContain(`resilience.${name}`);
    },
  );

  it.each(['proofTimeout', 'drainTimeout', 'revokeTimeout'])(
    'F10: refuses a rotation.%s that would overflow a timer and fire at once',
    (name) => {
      expect(wrong({ providers, rotation: { [name]: '600h' } }).message).toContain(`rotation.${name}`);
    },
  );
});

describe('the terms of references', () => {
  it('are those of the first pattern that matches, and what it leaves out as for all', () => {
    const { policyOf } = settingsOf({
      providers,
      cache: { ttl: '1m', maxStale: '2m', overrides: { 'p:a': { ttl: '5s' }, 'p:*': { maxStale: 0 } } },
    });
    expect(policyOf(target)).toEqual({ ttlMs: 5_000, maxStaleMs: 120_000 });
    expect(policyOf(targetOf(parseRef('p:b?version=2')))).toEqual({ ttlMs: 60_000, maxStaleMs: 0 });
    expect(policyOf(targetOf(parseRef('p:b/c')))).toEqual({ ttlMs: 60_000, maxStaleMs: 120_000 });
  });

  it.each(['', 'a', 'p:', ':a', '**', 'q:a', 'p:a#field', 'p:a?version=1', 'q*:a'])(
    'are refused for %j, which matches no reference',
    (pattern) => {
      const error = wrong({ providers, cache: { overrides: { [pattern]: { ttl: '1m' } } } });
      expect(error.code).toBe('invalid-config');
      expect(error.message).toContain(`${JSON.stringify(pattern)} of cache.overrides`);
    },
  );
});

describe('the mode', () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each<[SecretsConfig['mode'], boolean]>([
    [undefined, true],
    ['auto', true],
    ['lazy', true],
    ['background', false],
  ])('%s on AWS Lambda is lazy: %s', (mode, isLazy) => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'orders');
    expect(settingsOf({ providers, ...(mode === undefined ? {} : { mode }) }).isLazy).toBe(isLazy);
  });

  it.each<[SecretsConfig['mode'], boolean]>([
    ['auto', false],
    ['lazy', true],
    ['background', false],
  ])('%s elsewhere is lazy: %s', (mode, isLazy) => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', undefined);
    expect(settingsOf({ providers, ...(mode === undefined ? {} : { mode }) }).isLazy).toBe(isLazy);
  });
});
