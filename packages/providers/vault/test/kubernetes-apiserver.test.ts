import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createSecrets } from '@keyturn/core';
import { kubernetes, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configureDatabaseEngine, type DatabaseEngine } from '../../../../test/servers/database-engine.js';
import {
  type KubernetesServer,
  type ServiceAccount,
  startKubernetes,
} from '../../../../test/servers/kubernetes.js';
import { type OpenBaoServer, startOpenBao, until } from '../../../../test/servers/openbao.js';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf, unhurried } from './calls.js';

const ORDERS = { namespace: 'shop', name: 'orders' };
const OTHER_NAME = { namespace: 'shop', name: 'billing' };
const OTHER_NAMESPACE = { namespace: 'staging', name: 'orders' };
const SHORT_LIVED = { namespace: 'shop', name: 'short-lived' };
const REVIEWER = { namespace: 'vault', name: 'reviewer' };

describe.skipIf(!requireServer('kubernetes', 'openbao', 'postgres'))(
  'a pod’s login, with OpenBao asking a real API server',
  () => {
    let folder: string;
    let cluster: KubernetesServer;
    let bao: OpenBaoServer;
    let postgres: PostgresServer;
    let engine: DatabaseEngine;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'keyturn-service-account-'));
      [cluster, bao, postgres] = await Promise.all([startKubernetes(), startOpenBao(), startPostgres()]);
      engine = await configureDatabaseEngine({ address: bao.address, token: bao.rootToken }, postgres);
      await bao.api('POST', 'secret/data/orders', { data: { key: 'first' } });
      for (const account of [ORDERS, OTHER_NAME, OTHER_NAMESPACE, SHORT_LIVED, REVIEWER]) await add(account);
      await cluster.create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        metadata: { name: 'vault-reviews-tokens' },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'system:auth-delegator',
        },
        subjects: [{ kind: 'ServiceAccount', ...REVIEWER }],
      });
      await bao.api('POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
      await bao.api('POST', 'auth/kubernetes/config', {
        kubernetes_host: cluster.address,
        kubernetes_ca_cert: cluster.ca,
        token_reviewer_jwt: await cluster.requestToken(REVIEWER),
        disable_local_ca_jwt: true,
      });
      const role = {
        bound_service_account_names: [ORDERS.name, SHORT_LIVED.name],
        bound_service_account_namespaces: [ORDERS.namespace],
        token_policies: [engine.policy],
        token_ttl: '60s',
        token_max_ttl: '90s',
      };
      await bao.api('POST', 'auth/kubernetes/role/orders', role);
      await bao.api('POST', 'auth/kubernetes/role/for-vault', { ...role, audience: 'vault' });
      // The API server takes a moment to heed a new binding.
      const jwt = await cluster.requestToken(ORDERS);
      await until('the reviewer may review', async () => {
        const body = { role: 'orders', jwt };
        return (await bao.call('POST', 'auth/kubernetes/login', body, null)).status === 200;
      });
    });
    afterAll(async () => {
      await Promise.all([cluster?.stop(), bao?.stop(), postgres?.stop()]);
      rmSync(folder, { recursive: true });
    });

    async function add({ namespace, name }: ServiceAccount): Promise<void> {
      await cluster.create('/api/v1/namespaces', { metadata: { name: namespace } });
      await cluster.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    }

    /** A token of a pod, and what deletes the pod: the API server knows the token no more, before it expires. */
    async function podToken({ namespace, name }: ServiceAccount) {
      // A secret stands for the pod, which would need a node.
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      const { metadata } = await cluster.api('POST', path, { metadata: { generateName: 'pod-' } });
      const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: metadata.name, uid: metadata.uid };
      return {
        jwt: await cluster.requestToken({ namespace, name }, { boundObjectRef }),
        deletePod: () => cluster.api('DELETE', `${path}/${metadata.name}`),
      };
    }

    /** Never reviewed while its pod lived: the API server remembers a yes for ten seconds. */
    async function tokenOfTheGone(account: ServiceAccount): Promise<string> {
      const { jwt, deletePod } = await podToken(account);
      await deletePod();
      return jwt;
    }

    /** A token as the kubelet mounts it: behind `..data`, which one rename points to the next one. */
    function mountToken() {
      const mount = mkdtempSync(join(folder, 'mount-'));
      symlinkSync('..data/token', join(mount, 'token'));
      let generation = 0;
      return {
        jwtFile: join(mount, 'token'),
        put(jwt: string) {
          generation += 1;
          const next = `..${generation}`;
          mkdirSync(join(mount, next));
          writeFileSync(join(mount, next, 'token'), jwt);
          symlinkSync(next, join(mount, '..data_tmp'));
          renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
        },
      };
    }

    /** The provider of a pod whose mounted token is `jwt`, and its session, whose optional parts are all there. */
    function podOf(jwt: string, role = 'orders') {
      const { jwtFile, put } = mountToken();
      put(jwt);
      const provider = vault({ address: bao.address, auth: kubernetes({ role, jwtFile }) });
      const { session } = provider;
      if (session?.renew === undefined || session.revoke === undefined || session.isAlive === undefined) {
        throw new Error('the session is incomplete');
      }
      const { login, renew, revoke, isAlive } = session;
      return { provider, put, login: () => login(unhurried), renew, revoke, isAlive };
    }

    it('a requested token logs in; the session reads, is renewed up to its maximum, and ends', async () => {
      const { provider, login, renew, revoke, isAlive } = podOf(await cluster.requestToken(ORDERS));
      const { credential, lease, revocable } = await login();
      expect(lease).toEqual({ ttlMs: 60_000, handle: { id: 'self', renewable: true } });
      expect(revocable).toBe(true);
      const version = await provider.fetch({ path: 'secret/orders' }, { ...unhurried, session: credential });
      expect(version.data).toEqual({ key: 'first' });
      const renewed = await renew(credential, { ...unhurried, ttlMs: 3_600_000 });
      expect(renewed.ttlMs).toBeGreaterThan(60_000);
      expect(renewed.ttlMs).toBeLessThanOrEqual(90_000);
      await revoke(credential, unhurried);
      expect(await isAlive(credential, unhurried)).toBe(false);
    });

    it('F43: what the kubelet has mounted meanwhile is used at the next login', async () => {
      const dead = await tokenOfTheGone(ORDERS);
      const { put, login } = podOf(dead);
      expect((await failureOf(login())).code).toBe('unauthenticated');
      put(await cluster.requestToken(ORDERS));
      await login();
      put(dead);
      expect((await failureOf(login())).code).toBe('unauthenticated');
    });

    const anHourAgo = () => Math.floor(Date.now() / 1_000) - 3_600;
    it.each<[string, () => Promise<string> | string, string?]>([
      ['of another service account', () => cluster.requestToken(OTHER_NAME)],
      ['of another namespace', () => cluster.requestToken(OTHER_NAMESPACE)],
      ['of a pod that is gone', () => tokenOfTheGone(ORDERS)],
      ['that is none', () => 'CANARY'],
      [
        'whose signature is wrong',
        async () => `${(await cluster.requestToken(ORDERS)).slice(0, -8)}AAAAAAAA`,
      ],
      [
        'that has expired',
        async () => {
          const claims = claimsOf(await cluster.requestToken(ORDERS));
          return cluster.signToken({ ...claims, iat: anHourAgo(), nbf: anHourAgo(), exp: anHourAgo() + 600 });
        },
      ],
      ['for another audience', () => cluster.requestToken(ORDERS), 'for-vault'],
      ['for a role that does not exist', () => cluster.requestToken(ORDERS), 'none'],
    ])(
      'a token %s is refused, with what to check and without being shown',
      async (_, token, role = 'orders') => {
        const jwt = await token();
        const error = await failureOf(podOf(jwt, role).login());
        expect(error.code).toBe('unauthenticated');
        expect(error.message).toContain(`role ${role} exists at auth/kubernetes`);
        expect(error.message).toMatch(/service account and namespace.*jwtFile/);
        expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(jwt);
      },
    );

    it('a token signed by the key of the API server logs in, so that it is its time that was refused', async () => {
      const claims = claimsOf(await cluster.requestToken(ORDERS));
      await podOf(cluster.signToken(claims)).login();
    });

    it('a token for the audience of the role logs in', async () => {
      await podOf(await cluster.requestToken(ORDERS, { audiences: ['vault'] }), 'for-vault').login();
    });

    it('a deleted service account logs in no more, nor by its successor of the same name; its session goes on', async () => {
      const { put, login, isAlive } = podOf(await cluster.requestToken(SHORT_LIVED));
      const { credential } = await login();
      const unused = await cluster.requestToken(SHORT_LIVED);
      put(unused);
      const { namespace, name } = SHORT_LIVED;
      await cluster.api('DELETE', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`);
      expect((await failureOf(login())).code).toBe('unauthenticated');
      expect(await isAlive(credential, unhurried)).toBe(true);
      await add(SHORT_LIVED);
      expect((await failureOf(login())).code).toBe('unauthenticated');
      put(await cluster.requestToken(SHORT_LIVED));
      await login();
    });

    it('leases belong to the session: renewed under it, revoked with it', async () => {
      const { provider, login, revoke } = podOf(await cluster.requestToken(ORDERS));
      const { credential } = await login();
      const options = { ...unhurried, session: credential };
      const { data, lease } = await provider.fetch({ path: engine.creds }, options);
      const { username } = data as { username: string };
      const roles = async () =>
        (await postgres.query(`select from pg_roles where rolname = '${username}'`)).length;
      expect(await roles()).toBe(1);
      const id = lease?.handle?.id ?? '';
      expect(await provider.renew?.(id, { ...options, ttlMs: 30_000 })).toMatchObject({ handle: { id } });
      await revoke(credential, unhurried);
      await expect.poll(roles).toBe(0);
    });

    it('F14 F43: values outlive the session and the API server, and the next login takes the token mounted then', async () => {
      const { jwtFile, put } = mountToken();
      const { jwt, deletePod } = await podToken(ORDERS);
      put(jwt);
      const auth = kubernetes({ role: 'orders', jwtFile });
      const secrets = createSecrets({
        providers: { vault: vault({ address: bao.address, auth }) },
        cache: { ttl: '200ms' },
      });
      try {
        const read = async () => (await secrets.getSecret('vault:secret/orders#key')).reveal();
        const failures: string[] = [];
        secrets.on('refresh-failed', ({ error }) => failures.push(error.code));
        expect(await read()).toBe('first');
        await deletePod();
        await cluster.kill();
        await revokeLogins();
        await expect
          .poll(async () => {
            expect(await read()).toBe('first');
            return failures;
          })
          .toContain('unauthenticated');
        await cluster.restart();
        await bao.api('POST', 'secret/data/orders', { data: { key: 'second' } });
        put(await cluster.requestToken(ORDERS));
        await expect.poll(read).toBe('second');
      } finally {
        await secrets.close();
      }
    });

    async function revokeLogins(): Promise<void> {
      const { data } = await bao.api('LIST', 'auth/token/accessors');
      for (const accessor of data.keys as string[]) {
        const looked = await bao.call('POST', 'auth/token/lookup-accessor', { accessor });
        if (looked.body?.data?.path === 'auth/kubernetes/login') {
          await bao.api('POST', 'auth/token/revoke-accessor', { accessor });
        }
      }
    }
  },
);

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
