import { inspect } from 'node:util';
import { createSecrets, isSecretsError, type SecretsError } from '@keyturn/core';
import { createPool } from '@keyturn/pg';
import { approle, token, type VaultConfig, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../servers/openbao.js';
import { freePort } from '../servers/ports.js';
import { requireServer } from '../servers/require-server.js';
import { type Stack, startStack } from './stack.js';

const CANARY = 'canary-7f3a9c';

describe.skipIf(!requireServer('openbao', 'postgres'))(
  'bad input: each error says what to look at, and shows no value',
  () => {
    let stack: Stack;
    let tlsStore: OpenBaoServer;
    beforeAll(async () => {
      [stack, tlsStore] = await Promise.all([startStack(), startOpenBao({ tls: true })]);
      await stack.store.api('POST', 'secret/data/orders', { data: { stripe_key: CANARY } });
    });
    afterAll(async () => {
      await tlsStore?.stop();
      await stack?.stop();
    });

    const quick = { attempts: 1, attemptTimeout: '3s' } as const;

    /** What reading `ref` with this provider ends in. */
    async function failureOf(ref: string, config: Partial<VaultConfig> = {}): Promise<SecretsError> {
      await using secrets = createSecrets({
        providers: {
          vault: vault({
            address: stack.store.address,
            auth: token({ token: stack.store.rootToken }),
            ...config,
          }),
        },
        resilience: quick,
      });
      return await failed(() => secrets.getSecret(ref));
    }

    async function failed(call: () => unknown): Promise<SecretsError> {
      try {
        await call();
      } catch (error) {
        if (!isSecretsError(error)) throw error;
        const shown = [
          inspect(error, { depth: 9, showHidden: true }),
          JSON.stringify(error),
          error.stack,
        ].join('\n');
        for (const secret of [
          CANARY,
          stack.store.rootToken,
          tlsStore.rootToken,
          stack.engine.approle.secretId,
        ]) {
          expect(shown).not.toContain(secret);
        }
        return error;
      }
      throw new Error('it did not fail');
    }

    it.each([
      ['no alias', 'secret/orders', /alias/],
      ['traversal', 'vault:secret/../sys/raw', /segment "\.\."/],
      ['escaped traversal', 'vault:secret/%2e%2e/sys/raw', /segment "\.\."/],
      ['an empty segment', 'vault:secret//orders', /empty segment/],
      ['two qualifiers', 'vault:secret/orders?version=1&stage=2', /version=/],
    ])('a malformed reference (%s): invalid-ref', async (_, ref, says) => {
      const error = await failureOf(ref);
      expect(error.code).toBe('invalid-ref');
      expect(error.message).toMatch(says);
    });

    it('an unknown alias: invalid-ref that lists the providers', async () => {
      const error = await failureOf('volt:secret/orders');
      expect(error.code).toBe('invalid-ref');
      expect(error.message).toMatch(/volt.*vault/s);
    });

    it('a missing field: not-found that lists the fields', async () => {
      const error = await failureOf('vault:secret/orders#strip_key');
      expect(error.code).toBe('not-found');
      expect(error.message).toMatch(/stripe_key/);
    });

    it('a missing secret: not-found that names the path', async () => {
      const error = await failureOf('vault:secret/nothing-here');
      expect(error.code).toBe('not-found');
      expect(error.message).toMatch(/secret\/data\/nothing-here/);
    });

    it('a role that does not exist: not-found that names it', async () => {
      const error = await failureOf('vault:database/creds/nobody');
      expect(error.code).toBe('not-found');
      expect(error.message).toMatch(/database\/creds\/nobody/);
    });

    it('a path that the policy does not allow: permission-denied that names the path', async () => {
      const error = await failureOf('vault:cubbyhole/other', { auth: approle(stack.engine.approle) });
      expect(['permission-denied', 'not-found']).toContain(error.code);
    });

    it('an address where nothing listens: unavailable that names address', async () => {
      const error = await failureOf('vault:secret/orders', {
        address: `http://127.0.0.1:${await freePort()}`,
      });
      expect(error.code).toBe('unavailable');
      expect(error.message).toMatch(/address/);
    });

    it('a token that has expired: unauthenticated that names the setting', async () => {
      const { auth } = await stack.store.api('POST', 'auth/token/create', { ttl: '1h' });
      await stack.store.api('POST', 'auth/token/revoke', { token: auth.client_token });
      const error = await failureOf('vault:secret/orders', { auth: token({ token: auth.client_token }) });
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toMatch(/token/);
      expect(error.message).not.toContain(auth.client_token);
    });

    it('a wrong secret-id: unauthenticated that names it', async () => {
      const { roleId } = stack.engine.approle;
      const error = await failureOf('vault:secret/orders', { auth: approle({ roleId, secretId: CANARY }) });
      expect(error.code).toBe('unauthenticated');
      expect(error.message).toMatch(/secretId/);
    });

    it('a page of a proxy: bad-response that names address', async () => {
      await stack.proxy.set('html');
      const error = await failureOf('vault:secret/orders', { address: stack.proxy.address });
      await stack.proxy.set('pass');
      expect(error.code).toBe('bad-response');
      expect(error.message).toMatch(/proxy.*address/s);
    });

    it('a certificate that nobody trusts: the message names tls.ca', async () => {
      const error = await failureOf('vault:secret/orders', { address: tlsStore.address });
      expect(error.message).toMatch(/tls/);
    });

    it('http where TLS is spoken, and the reverse: the message names the scheme of address', async () => {
      const plain = await failureOf('vault:secret/orders', {
        address: tlsStore.address.replace('https', 'http'),
      });
      expect(plain.message).toMatch(/https:\/\//);
      const tls = await failureOf('vault:secret/orders', {
        address: stack.store.address.replace('http', 'https'),
      });
      expect(tls.message).toMatch(/http/);
    });

    it('a pool option of the wrong type: invalid-config that names it', async () => {
      await using secrets = stack.createSecrets();
      const wrong = { database: 'app', max: 'ten' } as never;
      const error = await failed(() => createPool(secrets, 'vault:database/creds/app', wrong));
      expect(error.code).toBe('invalid-config');
      expect(error.message).toMatch(/max/);
    });

    it('a password in the pool’s options: invalid-config that says why', async () => {
      await using secrets = stack.createSecrets();
      const given = { database: 'app', password: CANARY } as never;
      const error = await failed(() => createPool(secrets, 'vault:database/creds/app', given));
      expect(error.code).toBe('invalid-config');
      expect(error.message).toMatch(/password/);
    });

    it('a setting of createSecrets that does not exist: invalid-config that names it', async () => {
      const error = await failed(() => createSecrets({ providers: {}, chache: {} } as never));
      expect(error.code).toBe('invalid-config');
      expect(error.message).toMatch(/chache/);
    });
  },
);
