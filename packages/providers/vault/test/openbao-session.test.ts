import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { SecretsError } from '@keyturn/core/provider';
import { type Auth, approle, jwt, kubernetes, token, tokenFile, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf, unhurried } from './calls.js';
import { authority } from './certificates.js';
import { json, type ScriptedServer, startScripted } from './scripted-server.js';
import { identityProvider } from './signed-jwt.js';

describe.skipIf(!requireServer('openbao'))('sessions on OpenBao', () => {
  let bao: OpenBaoServer;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-vault-session-'));
    bao = await startOpenBao();
    await bao.api('POST', 'secret/data/orders', { data: { a: 'b' } });
    await bao.api('PUT', 'sys/policies/acl/orders', {
      policy: 'path "secret/*" { capabilities = ["read"] }',
    });
  });
  afterAll(async () => {
    await bao?.stop();
    rmSync(folder, { recursive: true });
  });

  /** A provider and its session, whose optional parts are all there. */
  function sessionOf(auth: Auth) {
    const provider = vault({ address: bao.address, auth });
    const { session } = provider;
    if (session?.renew === undefined || session.revoke === undefined || session.isAlive === undefined) {
      throw new Error('the session is incomplete');
    }
    const { login, renew, revoke, isAlive } = session;
    const read = (credential: unknown) =>
      provider.fetch({ path: 'secret/orders' }, { ...unhurried, session: credential });
    return { login: () => login(unhurried), renew, revoke, isAlive, read };
  }

  async function newToken(request: object): Promise<string> {
    return (await bao.api('POST', 'auth/token/create', { policies: ['orders'], ...request })).auth
      .client_token;
  }

  describe('by token', () => {
    it('the root token never ends', async () => {
      const { login } = sessionOf(token({ token: bao.rootToken }));
      const grant = await login();
      expect(grant.lease).toBeUndefined();
      expect(grant.revocable).toBe(false);
    });

    it('one with a ttl is renewed, and is not ours to revoke', async () => {
      const { login, renew, read } = sessionOf(token({ token: await newToken({ ttl: '60s' }) }));
      const { credential, lease, revocable } = await login();
      expect(lease).toMatchObject({ handle: { renewable: true } });
      expect(lease?.ttlMs).toBeGreaterThan(50_000);
      expect(revocable).toBe(false);
      expect(await renew(credential, { ...unhurried, ttlMs: 3_600_000 })).toMatchObject({ ttlMs: 3_600_000 });
      expect((await read(credential)).data).toEqual({ a: 'b' });
    });

    it('F8: a renewal past the maximum grants what is left', async () => {
      const { login, renew } = sessionOf(
        token({ token: await newToken({ ttl: '30s', explicit_max_ttl: '40s' }) }),
      );
      const { credential } = await login();
      const lease = await renew(credential, { ...unhurried, ttlMs: 3_600_000 });
      expect(lease.ttlMs).toBeLessThanOrEqual(40_000);
    });

    it.each([
      ['F17: of limited uses', { ttl: '60s', num_uses: 3 }],
      ['F17: that is not renewable', { ttl: '60s', renewable: false }],
      ['F16: of the batch type', { ttl: '60s', type: 'batch' }],
    ])('one %s is not renewed', async (_, request) => {
      const { login } = sessionOf(token({ token: await newToken(request) }));
      const { lease } = await login();
      expect(lease?.ttlMs).toBeGreaterThan(50_000);
      expect(lease?.handle?.renewable).toBe(false);
    });

    it('one that cannot be renewed says so when it is asked all the same', async () => {
      const { login, renew } = sessionOf(token({ token: await newToken({ ttl: '60s', type: 'batch' }) }));
      const { credential } = await login();
      expect((await failureOf(renew(credential, { ...unhurried, ttlMs: 1_000 }))).code).toBe('unsupported');
    });

    it('F43: in a file is read again at each login', async () => {
      const file = join(folder, 'token');
      const [first, second] = [await newToken({ ttl: '60s' }), await newToken({ ttl: '600s' })];
      const { login, read } = sessionOf(tokenFile({ path: file }));
      writeFileSync(file, `${first}\n`);
      expect((await login()).lease?.ttlMs).toBeLessThanOrEqual(60_000);
      await bao.api('POST', 'auth/token/revoke', { token: first });
      expect((await failureOf(login())).code).toBe('unauthenticated');
      writeFileSync(file, second);
      const grant = await login();
      expect(grant.lease?.ttlMs).toBeGreaterThan(60_000);
      expect((await read(grant.credential)).data).toEqual({ a: 'b' });
    });

    it('one that the store does not know is refused, without being shown', async () => {
      const error = await failureOf(sessionOf(token({ token: 's.CANARY' })).login());
      expect(error.code).toBe('unauthenticated');
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY');
    });
  });

  describe('by AppRole', () => {
    const role = 'auth/approle/role/orders';
    let roleId: string;
    beforeAll(async () => {
      await bao.api('POST', 'sys/auth/approle', { type: 'approle' });
      await bao.api('POST', role, { token_policies: ['orders'], token_ttl: '60s', token_max_ttl: '90s' });
      roleId = (await bao.api('GET', `${role}/role-id`)).data.role_id;
    });
    const newSecretId = async (request = {}): Promise<string> =>
      (await bao.api('POST', `${role}/secret-id`, request)).data.secret_id;

    it('a login lasts, is renewed up to its maximum, revoked once and again', async () => {
      const { login, renew, revoke, isAlive, read } = sessionOf(
        approle({ roleId, secretId: await newSecretId() }),
      );
      const { credential, lease, revocable } = await login();
      expect(lease).toEqual({ ttlMs: 60_000, handle: { id: 'self', renewable: true } });
      expect(revocable).toBe(true);
      expect((await read(credential)).data).toEqual({ a: 'b' });
      const renewed = await renew(credential, { ...unhurried, ttlMs: 3_600_000 });
      expect(renewed.ttlMs).toBeLessThanOrEqual(90_000);
      expect(await isAlive(credential, unhurried)).toBe(true);
      await revoke(credential, unhurried);
      expect(await isAlive(credential, unhurried)).toBe(false);
      await revoke(credential, unhurried);
      expect((await failureOf(read(credential))).code).toBe('permission-denied');
    });

    it('F14: a login that was revoked from outside is told from one that may not be renewed', async () => {
      const { login, renew } = sessionOf(approle({ roleId, secretId: await newSecretId() }));
      const { credential } = await login();
      const accessors = (await bao.api('LIST', 'auth/token/accessors')).data.keys as string[];
      for (const accessor of accessors) {
        const { data } = await bao
          .api('POST', 'auth/token/lookup-accessor', { accessor })
          .catch(() => ({ data: {} }));
        if (data.path === 'auth/approle/login')
          await bao.api('POST', 'auth/token/revoke-accessor', { accessor });
      }
      expect((await failureOf(renew(credential, { ...unhurried, ttlMs: 1_000 }))).code).toBe(
        'unauthenticated',
      );
    });

    it('F43: a secret-id replaced on disk is used at the next login', async () => {
      const secretIdFile = join(folder, 'secret-id');
      const { login } = sessionOf(approle({ roleId, secretIdFile }));
      writeFileSync(secretIdFile, await newSecretId({ num_uses: 1 }));
      await login();
      const error = await failureOf(login());
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toMatch(/roleId and the secret-id/);
      writeFileSync(secretIdFile, await newSecretId());
      await login();
    });

    it('F16: a role of batch tokens gives logins that end by themselves', async () => {
      await bao.api('POST', 'auth/approle/role/batch', {
        token_type: 'batch',
        token_ttl: '60s',
        bind_secret_id: true,
      });
      const batchId = (await bao.api('GET', 'auth/approle/role/batch/role-id')).data.role_id;
      const secretId = (await bao.api('POST', 'auth/approle/role/batch/secret-id', {})).data.secret_id;
      const { login, revoke, isAlive } = sessionOf(approle({ roleId: batchId, secretId }));
      const { credential, lease, revocable } = await login();
      expect(lease?.handle?.renewable).toBe(false);
      expect(revocable).toBe(false);
      await revoke(credential, unhurried);
      expect(await isAlive(credential, unhurried)).toBe(true);
    });

    it('a method that is not mounted there is named: the store takes its path for one that needs a token', async () => {
      const error = await failureOf(sessionOf(approle({ roleId, secretId: 's', mount: 'nowhere' })).login());
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toContain('mounted at auth/nowhere');
    });
  });

  describe('by JWT', () => {
    const issuer = identityProvider();
    beforeAll(async () => {
      await bao.api('POST', 'sys/auth/ci', { type: 'jwt' });
      await bao.api('POST', 'auth/ci/config', {
        jwt_validation_pubkeys: [issuer.publicPem],
        bound_issuer: 'https://ci',
      });
      await bao.api('POST', 'auth/ci/role/orders', {
        role_type: 'jwt',
        user_claim: 'sub',
        bound_audiences: ['vault'],
        token_policies: ['orders'],
        token_ttl: '60s',
      });
    });
    const claims = { iss: 'https://ci', aud: 'vault', sub: 'job-1' };

    it('a signed token logs in', async () => {
      const { login, read } = sessionOf(jwt({ role: 'orders', jwt: issuer.issue(claims), mount: 'ci' }));
      const { credential, lease } = await login();
      expect(lease?.ttlMs).toBe(60_000);
      expect((await read(credential)).data).toEqual({ a: 'b' });
    });

    it('F43: a token in a file is read again', async () => {
      const jwtFile = join(folder, 'jwt');
      const { login } = sessionOf(jwt({ role: 'orders', jwtFile, mount: 'ci' }));
      writeFileSync(jwtFile, identityProvider().issue(claims));
      expect((await failureOf(login())).code).toBe('unauthenticated');
      writeFileSync(jwtFile, issuer.issue(claims));
      await login();
    });

    it.each([
      ['role', 'other', claims],
      ['audience', 'orders', { ...claims, aud: 'other' }],
    ])('a wrong %s is said with what to check', async (_, role, wrong) => {
      const error = await failureOf(sessionOf(jwt({ role, jwt: issuer.issue(wrong), mount: 'ci' })).login());
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toMatch(/role.*auth\/ci.*audience/);
    });
  });

  describe('by Kubernetes', () => {
    const cluster = identityProvider();
    const account = { namespace: 'shop', name: 'orders', uid: 'a-uid' };
    let api: ScriptedServer;
    beforeAll(async () => {
      const { cert, key, ca } = await (await authority(bao, 'kubernetes-ca')).issue();
      api = await startScripted(
        (request, response) => {
          const { token: reviewed } = JSON.parse(request.body).spec;
          const isKnown = reviewed === podToken;
          const user = {
            username: `system:serviceaccount:${account.namespace}:${account.name}`,
            uid: account.uid,
            groups: [],
          };
          const status = isKnown ? { authenticated: true, user } : { error: 'unknown token' };
          json(response, 201, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status });
        },
        { cert, key },
      );
      await bao.api('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
      await bao.api('POST', 'auth/kubernetes/config', {
        kubernetes_host: api.address,
        kubernetes_ca_cert: ca,
        token_reviewer_jwt: cluster.issue({ sub: 'reviewer' }),
        disable_local_ca_jwt: true,
      });
      await bao.api('POST', 'auth/kubernetes/role/orders', {
        bound_service_account_names: [account.name],
        bound_service_account_namespaces: [account.namespace],
        token_policies: ['orders'],
        token_ttl: '60s',
      });
    });
    afterAll(() => api?.stop());

    const podToken = cluster.issue({
      iss: 'https://kubernetes.default.svc',
      sub: `system:serviceaccount:${account.namespace}:${account.name}`,
      'kubernetes.io': {
        namespace: account.namespace,
        serviceaccount: { name: account.name, uid: account.uid },
      },
    });

    it('F43: a pod logs in with the token that its file has now', async () => {
      const jwtFile = join(folder, 'service-account');
      const { login, read } = sessionOf(kubernetes({ role: 'orders', jwtFile }));
      writeFileSync(jwtFile, cluster.issue({ sub: 'a stranger' }));
      const error = await failureOf(login());
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toMatch(/role orders.*service account/);
      writeFileSync(jwtFile, podToken);
      const { credential, lease } = await login();
      expect(lease?.ttlMs).toBe(60_000);
      expect((await read(credential)).data).toEqual({ a: 'b' });
      expect(api.seen.at(-1)?.url).toBe('/apis/authentication.k8s.io/v1/tokenreviews');
    });
  });

  it('F49: a credential shows nothing, and only a credential is taken', async () => {
    const secret = await newToken({ ttl: '60s' });
    const { login, read } = sessionOf(token({ token: secret }));
    const grant = await login();
    expect(inspect(grant, { depth: 9, showHidden: true }) + JSON.stringify(grant)).not.toContain(secret);
    for (const wrong of [undefined, null, secret, { token: secret }]) {
      expect((await failureOf(read(wrong))).code).toBe('unauthenticated');
    }
  });

  it('a store that hangs lets a login go, with the reason of the signal', async () => {
    const { session } = vault({ address: bao.address, auth: token({ token: bao.rootToken }) });
    await bao.pause();
    try {
      const deadline = new AbortController();
      const reason = new SecretsError('timeout', { problem: 'Too slow.', remedy: 'Wait longer.' });
      const failing = failureOf(
        session?.login({ ...unhurried, signal: deadline.signal }) as Promise<unknown>,
      );
      setTimeout(() => deadline.abort(reason), 50);
      expect(await failing).toBe(reason);
    } finally {
      bao.resume();
    }
  });
});
