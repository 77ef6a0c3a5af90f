import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSecretsError } from '@keyturn/core/provider';
import { leakProbe } from '@keyturn/core/testing';
import {
  approle,
  awsIam,
  certificate,
  ldap,
  type PasswordConfig,
  token,
  tokenFile,
  userpass,
  vault,
} from '@keyturn/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, unhurried } from './calls.js';

const reading = { ...unhurried, unwrap: () => Promise.reject(new Error('nothing is wrapped')) };

const codeAndMessage = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    if (isSecretsError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('it was taken');
};

/** As JavaScript may call it. */
const loose = (config: object) => config as never;

describe('the settings of a login', () => {
  it.each<[string, () => unknown]>([
    ['auth: tokenFile.path', () => tokenFile(loose({}))],
    ['auth: tokenFile.file', () => tokenFile(loose({ file: '/a' }))],
    ['auth: token.file', () => token(loose({ file: '/a' }))],
    [
      'auth: approle.secretIdWrapped',
      () => approle(loose({ roleId: 'r', secretId: 's', secretIdWrapped: 'yes' })),
    ],
    ['auth: certificate.role', () => certificate({ role: 'two words' })],
    ['auth: certificate.mount', () => certificate({ mount: '../sys' })],
    ['auth: certificate.name', () => certificate(loose({ name: 'r' }))],
    ['auth: userpass.username', () => userpass(loose({ password: 'p' }))],
    ['auth: userpass.username', () => userpass({ username: 'a/../b', password: 'p' })],
    ['auth: ldap.username', () => ldap({ username: 'CORP\\ada', password: 'p' })],
    ['auth: ldap.password', () => ldap({ username: 'ada', password: '' })],
    ['auth: userpass.password', () => userpass(loose({ username: 'ada' }))],
    ['auth: userpass.mount', () => userpass({ username: 'ada', password: 'p', mount: 'auth/people' })],
    ['auth: awsIam.role', () => awsIam(loose({}))],
    ['auth: awsIam.region', () => awsIam({ role: 'r', region: 'eu-central-1.evil.example' })],
    ['auth: awsIam.serverId', () => awsIam({ role: 'r', serverId: 'a\r\nb' })],
    ['auth: awsIam.credentials', () => awsIam({ role: 'r', credentials: loose({ accessKeyId: 'A' }) })],
    ['auth: awsIam.credentials', () => awsIam({ role: 'r', credentials: loose([]) })],
    ['tls.cert', () => vault({ address: 'https://vault:8200', auth: certificate() })],
    [
      'tls.cert',
      () => vault({ address: 'https://vault:8200', auth: certificate(), tls: { serverName: 'vault' } }),
    ],
  ])('%s is refused before any I/O, and named', (setting, make) => {
    expect(codeAndMessage(make)).toMatch(/^invalid-config/);
    expect(codeAndMessage(make)).toContain(`The setting ${setting} `);
  });

  it('F49: show nothing of what they hold, nor does what refuses them', async () => {
    const canary = 'CANARY-1f0e9d';
    const probe = leakProbe([canary]);
    const failing = () => Promise.reject(new Error(canary));
    const auths = [
      token({ token: canary }),
      approle({ roleId: 'r', secretId: canary, secretIdWrapped: true }),
      userpass({ username: 'ada', password: canary }),
      ldap({ username: 'ada', password: () => canary }),
      awsIam({ role: 'r', credentials: { accessKeyId: 'A', secretAccessKey: canary, sessionToken: canary } }),
    ];
    for (const auth of auths) probe.inspect(auth, auth.method);
    for (const auth of [
      ldap({ username: 'ada', password: failing }),
      awsIam({ role: 'r', credentials: failing }),
    ]) {
      probe.inspect(await failureOf(auth.read(reading)), `the error of ${auth.method}`);
    }
    probe.stop();
    probe.assertClean();
  });
});

describe('a password that is asked for', () => {
  const body = async (password: PasswordConfig['password']) =>
    userpass({ username: 'ada', password, mount: 'people' }).read(reading);

  it('is asked for at each login, in any form', async () => {
    let asked = 0;
    const ask = async () => `pass word ${++asked}`;
    expect(await body(ask)).toEqual({ path: 'auth/people/login/ada', body: { password: 'pass word 1' } });
    expect(await body(ask)).toMatchObject({ body: { password: 'pass word 2' } });
    expect(await body(() => 'plain')).toMatchObject({ body: { password: 'plain' } });
  });

  it.each<[string, () => never]>([
    [
      'failed',
      () => {
        throw new TypeError('CANARY');
      },
    ],
    ['gave no text', () => undefined as never],
    ['gave no text', () => '' as never],
  ])('and %s is no login', async (problem, ask) => {
    const error = await failureOf(body(ask));
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toContain(problem);
    expect(error.message).toContain('auth: userpass.password');
    expect(error.message).not.toContain('CANARY');
  });

  it('lets a caller go who does not wait for it', async () => {
    const leaving = new AbortController();
    const prompt = userpass({ username: 'ada', password: () => new Promise<string>(() => {}) });
    const failing = failureOf(prompt.read({ ...reading, signal: leaving.signal }));
    leaving.abort();
    expect((await failing).code).toBe('aborted');
  });
});

describe('a token file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-vault-'));
    path = join(folder, 'sink');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['is missing', undefined, /cannot be read/],
    ['is empty', '\n', /is empty/],
    ['holds something else', 'CANARY and more', /neither a token/],
    ['holds other JSON', '{"encrypted_payload":"CANARY"}', /without a wrapping token/],
    ['holds broken JSON', '{"token":"CANARY', /without a wrapping token/],
  ])('F44: that %s is named with its setting, not its content', async (_, content, problem) => {
    if (content !== undefined) writeFileSync(path, content);
    const error = await failureOf(tokenFile({ path }).read(reading));
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(problem);
    expect(error.message).toContain('auth: tokenFile.path');
    expect(error.message).not.toContain('CANARY');
  });

  it('is taken without the newline at its end, and may be read by others', async () => {
    writeFileSync(path, 's.one\r\n');
    chmodSync(path, 0o644);
    expect(await tokenFile({ path }).read(reading)).toEqual({ token: 's.one' });
  });

  it.skipIf(process.platform === 'win32')('that everybody may write is refused', async () => {
    writeFileSync(path, 's.one');
    chmodSync(path, 0o666);
    const error = await failureOf(tokenFile({ path }).read(reading));
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(/written by everybody/);
  });

  it('has changed when it holds something else than at the last login', async () => {
    const auth = tokenFile({ path });
    writeFileSync(path, 's.one');
    await auth.read(reading);
    expect(await auth.hasChanged?.(reading.signal)).toBe(false);
    writeFileSync(path, 's.one\n');
    expect(await auth.hasChanged?.(reading.signal)).toBe(false);
    writeFileSync(path, 's.two');
    expect(await auth.hasChanged?.(reading.signal)).toBe(true);
    rmSync(path);
    expect(await auth.hasChanged?.(reading.signal)).toBe(false);
  });
});
