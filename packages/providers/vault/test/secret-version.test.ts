import { isSecretsError, type SecretsError, type SecretVersion } from '@keyturn/core/provider';
import { fakeClock } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { envelopeOf } from '../src/answer.js';
import { newFingerprint } from '../src/fingerprint.js';
import { readBody } from '../src/response-body.js';
import { secretVersion } from '../src/secret-version.js';
import type { MountKind } from '../src/vault-settings.js';
import { answersNamed } from './observed.js';

const WALL_MS = 1_795_509_961_000;
const fingerprint = await newFingerprint();

function read(body: unknown, kind: MountKind, wallMs = WALL_MS): SecretVersion {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const envelope = envelopeOf(readBody('application/json', text));
  return secretVersion(envelope, { kind, clock: fakeClock({ wallMs }), fingerprint });
}

function failure(body: unknown, kind: MountKind): SecretsError {
  try {
    read(body, kind);
  } catch (error) {
    if (isSecretsError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('KV version 2', () => {
  it.each(answersNamed('kv2 read'))(
    'gives fields, the version and when it was made ($server)',
    ({ body }) => {
      const secret = read(body, 'kv2');
      expect(secret).toMatchObject({ data: { x: '2' }, version: '2' });
      expect(secret.metadata?.createdAt).toMatch(/^2026-11-24T/);
      expect(secret.lease).toBeUndefined();
    },
  );

  it('keeps every digit of a number, and JSON inside a field', () => {
    const metadata =
      '{"version": 7, "created_time": "", "custom_metadata": {"owner": "orders"}, "deletion_time": "2027-01-01T00:00:00Z"}';
    const data =
      '{"big": 12345678901234567890, "e": 1e400, "yes": true, "nested": {"a": [1.50]}, "none": null, "é": "<&>"}';
    const secret = read(`{"data": {"data": ${data}, "metadata": ${metadata}}}`, 'kv2');
    expect(secret.data).toEqual({
      big: '12345678901234567890',
      e: '1e400',
      yes: 'true',
      nested: '{"a":[1.50]}',
      é: '<&>',
    });
    expect(secret.metadata).toEqual({ deletedAt: '2027-01-01T00:00:00Z', 'label.owner': 'orders' });
  });

  it.each([
    ['null', { data: { data: null, metadata: { version: 1 } } }],
    ['no field', { data: { data: {}, metadata: { version: 1 } } }],
    ['fields that are all null', { data: { data: { a: null }, metadata: { version: 1 } } }],
    ['no version', { data: { data: { a: 'b' } } }],
    ['no data at all', {}],
  ])('F21: %s is a bad response, never a blank secret', (_, body) => {
    expect(failure(body, 'kv2').code).toBe('bad-response');
  });
});

describe('KV version 1', () => {
  it('takes what is stored for data, whatever it looks like', () => {
    const [answer] = answersNamed('kv1 r');
    expect(read(answer?.body, 'kv1')).toMatchObject({ data: { ttl: '30s', x: '1' } });
    const stored = { certificate: 'c', expiration: 1, last_vault_rotation: '2026', ttl: 0 };
    const secret = read({ lease_id: '', lease_duration: 2_764_800, data: stored }, 'kv1');
    expect(secret.lease).toBeUndefined();
    expect(Object.keys(secret.data)).toEqual(Object.keys(stored));
  });

  it('names equal data equally and other data otherwise, and not by the data alone', async () => {
    const of = (data: object) => read({ data }, 'kv1').version;
    expect(of({ a: '1', b: '2' })).toBe(of({ b: '2', a: '1' }));
    expect(of({ a: '1' })).not.toBe(of({ a: '2' }));
    expect(of({ a: '1' })).not.toBe(of({ b: '1' }));
    expect(of({ a: '1' })).not.toBe((await newFingerprint())({ a: '1' }));
  });
});

describe('leased secrets', () => {
  it.each(answersNamed('db creds'))('carry their lease, and are named by it ($server)', ({ body }) => {
    const secret = read(body, 'database');
    const id = (body as { lease_id: string }).lease_id;
    expect(secret.lease).toEqual({ ttlMs: 6_000, handle: { id, renewable: true } });
    expect(id.endsWith(`/${secret.version}`)).toBe(true);
    expect(Object.keys(secret.data)).toEqual(['password', 'username']);
  });

  it.each(answersNamed('pki issue'))('a certificate with a lease cannot be renewed ($server)', ({ body }) => {
    expect(read(body, 'pki').lease).toMatchObject({ ttlMs: 59_000, handle: { renewable: false } });
  });

  it.each([0, -1, 'x', undefined])('F9: a lease of %s seconds is a bad response', (lease_duration) => {
    expect(failure({ lease_id: 'a/b', lease_duration, data: { a: 'b' } }, 'other').code).toBe('bad-response');
  });

  it('F10: a lease of 768 h and more keeps its length', () => {
    const secret = read({ lease_id: 'a/b', lease_duration: 2_764_800, data: { a: 'b' } }, 'other');
    expect(secret.lease?.ttlMs).toBe(2_764_800_000);
  });
});

describe('static roles', () => {
  it.each(answersNamed('static creds'))('rotate at the end of their ttl ($server)', ({ body }) => {
    const secret = read(body, 'database');
    const { last_vault_rotation } = (body as { data: { last_vault_rotation: string } }).data;
    expect(secret.lease).toEqual({ ttlMs: 86_400_000, end: 'rotates' });
    expect(secret.version).toBe(last_vault_rotation);
    expect(Object.keys(secret.data).sort()).toEqual(['password', 'username']);
    expect(secret.metadata).toEqual({ rotatedAt: last_vault_rotation, rotationPeriodSeconds: '86400' });
  });

  it('F26: at ttl 0 it is asked again and nothing is published', () => {
    const data = {
      username: 'u',
      password: 'p',
      last_vault_rotation: '2026-11-24T00:00:00Z',
      ttl: 0,
      rotation_period: 30,
    };
    const error = failure({ data }, 'database');
    expect(error).toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 });
    expect(error.message).toMatch(/ttl is 0/);
  });

  it('two reads of one rotation are equal though the ttl runs', () => {
    const at = (ttl: number) =>
      read({ data: { password: 'p', last_vault_rotation: '2026', ttl } }, 'database');
    expect(at(10).data).toEqual(at(5).data);
    expect(at(10).version).toBe(at(5).version);
  });
});

describe('certificates without a lease', () => {
  const certificate = (expiration: number) => ({
    data: { certificate: 'c', private_key: 'k', expiration, serial_number: '50:7b' },
  });

  it('last until they expire, by the clock', () => {
    const secret = read(certificate(WALL_MS / 1_000 + 100), 'pki');
    expect(secret).toMatchObject({ version: '50:7b', lease: { ttlMs: 100_000 } });
    expect(secret.lease?.handle).toBeUndefined();
  });

  it('an expired one is a bad response', () => {
    expect(failure(certificate(WALL_MS / 1_000), 'pki')).toMatchObject({ code: 'bad-response' });
  });
});

describe('anything else', () => {
  it('is plain data under a keyed name', () => {
    const secret = read({ lease_id: '', lease_duration: 0, data: { code: '027943' } }, 'other');
    expect(secret).toEqual({ data: { code: '027943' }, version: expect.stringMatching(/^[\w-]{22}$/) });
  });

  it.each(answersNamed('wrap kv'))('in a wrapping token is a bad response ($server)', ({ body }) => {
    expect(failure(body, 'kv2').message).toMatch(/wrapped.*min_wrapping_ttl/);
  });

  it.each([{}, { data: {} }, { data: null }, { data: [] }])('F21: %j is a bad response', (body) => {
    expect(failure(body, 'other').code).toBe('bad-response');
  });
});
