import { isSecretsError } from '@keyturn/core/provider';
import { approle, jwt, kubernetes, token, vault } from '@keyturn/vault';
import { describe, expect, it } from 'vitest';

const PEM = '-----BEGIN CERTIFICATE-----\nCANARY\n-----END CERTIFICATE-----';
const good = { address: 'https://vault:8200', auth: token({ token: 's.x' }) };

/** Constructors in JavaScript take anything. */
const make = (config: unknown) => () => vault(config as Parameters<typeof vault>[0]);
const asAny = <Config>(config: unknown) => config as Config;

function settingOf(construct: () => unknown): string {
  try {
    construct();
  } catch (error) {
    if (!isSecretsError(error)) throw error;
    expect(error.code).toBe('invalid-config');
    expect(error.message).not.toContain('CANARY');
    return /The setting (.+?) (is|has|holds|ends|begins|names)\b/.exec(error.problem)?.[1] ?? error.problem;
  }
  return 'nothing';
}

describe('settings that cannot work are refused at once', () => {
  it.each([
    [{ ...good, address: undefined }, 'address'],
    [{ ...good, address: 'vault:8200' }, 'address'],
    [{ ...good, address: 'ftp://vault' }, 'address'],
    [{ ...good, address: 'https://root:CANARY@vault:8200' }, 'address'],
    [{ ...good, address: 'https://vault:8200/v1' }, 'address'],
    [{ ...good, address: 'https://vault:8200/?token=CANARY' }, 'address'],
    [{ ...good, address: [] }, 'address'],
    [{ ...good, address: ['https://vault-0:8200', 'vault-1'] }, 'address[1]'],
    [{ ...good, address: ['https://root:CANARY@vault-0:8200', 'https://vault-1:8200'] }, 'address[0]'],
    [{ ...good, address: ['https://vault-0:8200', undefined] }, 'address[1]'],
    [{ ...good, address: ['https://vault-0:8200', 'http://vault-1:8200'] }, 'address[1]'],
    [{ ...good, address: ['https://vault-0:8200', 'https://b', 'https://VAULT-0:8200/'] }, 'address[2]'],
    [{ ...good, address: ['https://vault-0', 'https://vault-0:443'] }, 'address[1]'],
    [{ ...good, address: ['unix:///run/agent.sock', 'https://vault-0:8200'] }, 'address[1]'],
    [{ ...good, address: 'unix:agent.sock' }, 'address'],
    [{ ...good, address: 'unix://agent.sock' }, 'address'],
    [{ ...good, address: 'unix:///run/' }, 'address'],
    [{ ...good, address: 'unix:///run/agent.sock?token=CANARY' }, 'address'],
    [{ ...good, address: 'unix:///run/agent.sock', tls: { ca: PEM } }, 'tls'],
    [{ ...good, auth: undefined }, 'auth'],
    [{ ...good, auth: 's.CANARY' }, 'auth'],
    [{ ...good, nameSpace: 'team' }, 'nameSpace'],
    [{ ...good, namespace: '' }, 'namespace'],
    [{ ...good, namespace: 'team/../other' }, 'namespace'],
    [{ ...good, namespace: 'a b' }, 'namespace'],
    [{ ...good, mounts: { secret: 'kv3' } }, "mounts['secret']"],
    [{ ...good, mounts: { 'secret/../x': 'kv2' } }, 'mounts'],
    [{ ...good, mounts: ['secret'] }, 'mounts'],
    [{ ...good, parameters: { 'pki/issue/web': 'x' } }, "parameters['pki/issue/web']"],
    [{ ...good, nodes: 'https://a' }, 'nodes'],
    [{ ...good, nodes: ['https://a', 'http://b'] }, 'nodes[1]'],
    [{ ...good, nodes: ['a'] }, 'nodes[0]'],
    [{ ...good, maxResponseBytes: 0 }, 'maxResponseBytes'],
    [{ ...good, maxResponseBytes: 1.5 }, 'maxResponseBytes'],
    [{ ...good, tls: { insecure: true } }, 'tls.insecure'],
    [{ ...good, tls: { ca: '/etc/ca.pem' } }, 'tls.ca'],
    [{ ...good, tls: { ca: PEM, caFile: 'x' } }, 'tls.caFile'],
    [{ ...good, tls: { cert: PEM } }, 'tls.key'],
    [{ ...good, tls: { key: PEM } }, 'tls.cert'],
    [{ ...good, tls: { caFile: '' } }, 'tls.caFile'],
    [{ ...good, tls: { serverName: 7 } }, 'tls.serverName'],
    [{ ...good, tls: { minVersion: 'TLSv1' } }, 'tls.minVersion'],
    [{ ...good, address: 'http://vault:8200', tls: { ca: PEM } }, 'tls'],
    [undefined, 'of the provider'],
  ])('%j names %s', (config, setting) => {
    expect(settingOf(make(config))).toBe(setting);
  });

  it('takes what can work', () => {
    const config = {
      ...good,
      address: 'https://vault:8200/',
      namespace: '/team/orders/',
      mounts: { 'secret/': 'kv2', 'team/kv': 'kv1' },
      nodes: ['https://vault-0:8200'],
      tls: { ca: Buffer.from(PEM), cert: PEM, key: PEM, serverName: 'vault', minVersion: 'TLSv1.3' },
    };
    expect(settingOf(make(config))).toBe('nothing');
    expect(vault(config as Parameters<typeof vault>[0]).addresses).toBeUndefined();
  });

  it('names several addresses to the core, in their order and each in one form', () => {
    const address = ['https://vault-0:8200/', 'https://VAULT-1', 'https://vault-0:8200/team'];
    expect(vault({ ...good, address }).addresses).toEqual([
      'https://vault-0:8200',
      'https://vault-1',
      'https://vault-0:8200/team',
    ]);
    expect(vault({ ...good, address: ['https://vault-0:8200'] }).addresses).toBeUndefined();
  });
});

describe('logins that cannot work are refused at once', () => {
  it.each<[string, () => unknown, string]>([
    ['token', () => token(asAny({})), 'auth: token.token'],
    ['token', () => token(asAny({ token: '' })), 'auth: token.token'],
    ['token', () => token({ token: 'CANARY\n' }), 'auth: token.token'],
    ['token', () => token(asAny({ token: 'a', file: 'b' })), 'auth: token.file'],
    ['token', () => token(asAny('CANARY')), 'auth: token'],
    ['approle', () => approle(asAny({ secretId: 'CANARY' })), 'auth: approle.roleId'],
    ['approle', () => approle({ roleId: 'r' }), 'auth: approle.secretId'],
    [
      'approle',
      () => approle({ roleId: 'r', secretId: 'CANARY', secretIdFile: 'f' }),
      'auth: approle.secretIdFile',
    ],
    ['approle', () => approle({ roleId: 'r', secretId: 's', mount: 'auth/approle' }), 'auth: approle.mount'],
    ['approle', () => approle({ roleId: 'r', secretId: 's', mount: '../sys' }), 'auth: approle.mount'],
    ['approle', () => approle(asAny({ roleId: 'r', secretID: 'CANARY' })), 'auth: approle.secretID'],
    ['kubernetes', () => kubernetes(asAny({})), 'auth: kubernetes.role'],
    ['kubernetes', () => kubernetes({ role: 'orders', jwtFile: '' }), 'auth: kubernetes.jwtFile'],
    ['jwt', () => jwt({ role: 'orders' }), 'auth: jwt.jwt'],
    ['jwt', () => jwt({ role: 'orders', jwt: 'CANARY with space' }), 'auth: jwt.jwt'],
    ['jwt', () => jwt(asAny({ jwt: 'CANARY' })), 'auth: jwt.role'],
  ])('%s #%#', (_, construct, setting) => {
    expect(settingOf(construct)).toBe(setting);
  });
});
