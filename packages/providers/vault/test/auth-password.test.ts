import { leakProbe } from '@keyturn/core/testing';
import { ldap, type PasswordConfig, userpass } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf } from './calls.js';
import { keepLogin, sessionOf } from './kept-login.js';
import type { ScriptedServer } from './scripted-server.js';
import { startStandIn } from './stand-in-store.js';

const PASSWORD = 'CANARY pass/wörd "7"';

describe.skipIf(!requireServer('openbao'))('userpass on OpenBao', () => {
  let bao: OpenBaoServer;
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    await bao.api('PUT', 'sys/policies/acl/orders', {
      policy: 'path "secret/*" { capabilities = ["read"] }',
    });
    for (const mount of ['userpass', 'people/ops']) {
      await bao.api('POST', `sys/auth/${mount}`, { type: 'userpass' });
      await bao.api('POST', `auth/${mount}/users/ada.l`, {
        password: PASSWORD,
        token_policies: ['orders'],
        token_ttl: '2s',
        token_max_ttl: '3s',
      });
    }
  });
  afterAll(() => bao?.stop());
  const logins = (config: Partial<PasswordConfig> = {}) =>
    sessionOf(userpass({ username: 'ada.l', password: PASSWORD, ...config }), { address: bao.address });

  it.each([undefined, 'people/ops'])('a name and password log in at the mount %s', async (mount) => {
    const { login, read } = logins(mount === undefined ? {} : { mount });
    const { credential, lease, revocable } = await login();
    expect([lease?.ttlMs, revocable]).toEqual([2_000, true]);
    expect((await read(credential)).data).toEqual({ a: 'b' });
  });

  it.each([
    ['password', { password: 'CANARY-wrong' }],
    ['name', { username: 'eve' }],
    ['mount', { mount: 'nowhere' }],
  ])('a wrong %s is said with what to check, until the account is locked as well', async (_, wrong) => {
    const { login } = logins(wrong);
    for (let count = 0; count < 6; count++) {
      const error = await failureOf(login());
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toMatch(/username and password in auth: userpass.*mounted at auth.*locked/s);
      expect(error.message).not.toContain('CANARY');
    }
  });

  it('F15, F49: the core keeps the login, asks for the password at each, and it shows nowhere', async () => {
    let asked = 0;
    const password = async () => {
      asked++;
      return PASSWORD;
    };
    const probe = leakProbe([PASSWORD]);
    const auth = userpass({ username: 'ada.l', password, mount: 'people/ops' });
    const kept = await keepLogin(auth, { address: bao.address }, probe);
    probe.stop();
    probe.assertClean();
    expect(kept.unread).toBe(0);
    expect(asked).toBe(kept.started);
  });
});

/** OpenBao here has no directory to ask: what stands in knows the route and the form of the login, and one account. */
describe('ldap', () => {
  let store: ScriptedServer;
  beforeAll(async () => {
    store = await startStandIn(/^\/v1\/auth\/(?:ldap|corp)\/login\//, async ({ method, url, body }) => {
      const { password, ...others } = JSON.parse(body);
      const isAda = method === 'POST' && url.endsWith('/login/ada%40corp.example');
      return isAda && password === PASSWORD && Object.keys(others).length === 0
        ? { token: 's.CANARY-token' }
        : { refusal: `ldap operation failed: unable to log in ${password}` };
    });
  });
  afterAll(() => store.stop());
  const username = 'ada@corp.example';

  it.each([undefined, 'corp'])('a name and password log in at the mount %s', async (mount) => {
    const auth = ldap({ username, password: PASSWORD, ...(mount === undefined ? {} : { mount }) });
    const { login, read } = sessionOf(auth, { address: store.address });
    expect((await read((await login()).credential)).data).toEqual({ a: 'b' });
  });

  it('a refusal says what to check, and nothing of what the directory said', async () => {
    const auth = ldap({ username, password: 'CANARY-wrong' });
    const error = await failureOf(sessionOf(auth, { address: store.address }).login());
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(/username and password in auth: ldap.*auth\/ldap/s);
    expect(error.message).not.toContain('CANARY');
  });

  it('F15, F49: the core keeps the login, and it shows nowhere', async () => {
    const probe = leakProbe([PASSWORD, 's.CANARY-token']);
    const kept = await keepLogin(ldap({ username, password: PASSWORD }), { address: store.address }, probe);
    probe.stop();
    probe.assertClean();
    expect(kept.unread).toBe(0);
  });
});
