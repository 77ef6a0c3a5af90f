import { createSecrets } from '@keyturn/core';
import type { LeakProbe } from '@keyturn/core/testing';
import type { Auth, VaultConfig } from '@keyturn/vault';
import { vault } from '@keyturn/vault';
import { until } from '../../../../test/servers/openbao.js';
import { unhurried } from './calls.js';

/** A provider that logs in by `auth`, and its session, whose parts are all there. */
export function sessionOf(auth: Auth, config: Omit<VaultConfig, 'auth'>) {
  const provider = vault({ ...config, auth });
  const { session } = provider;
  if (session?.renew === undefined || session.isAlive === undefined) {
    throw new Error('the session is incomplete');
  }
  const { login, isAlive } = session;
  return {
    login: (options: Partial<typeof unhurried> = {}) => login({ ...unhurried, ...options }),
    isAlive: (credential: unknown) => isAlive(credential, unhurried),
    read: (credential: unknown) =>
      provider.fetch({ path: 'secret/orders' }, { ...unhurried, session: credential }),
    close: () => provider.close?.(),
  };
}

/**
 * Lives through the renewal of a short login and its replacement by another, by the core, and looks into everything that
 * it comes by for leaks. `secret/orders` must be readable all the while.
 */
export async function keepLogin(auth: Auth, config: Omit<VaultConfig, 'auth'>, probe: LeakProbe) {
  const counts = { renewed: 0, started: 0, unread: 0 };
  const secrets = createSecrets({ providers: { vault: vault({ ...config, auth }) }, cache: { ttl: '1ms' } });
  secrets.on('session-renewed', () => void counts.renewed++);
  secrets.on('session-started', () => void counts.started++);
  try {
    await until('the login was renewed and replaced', async () => {
      await secrets.getSecret('vault:secret/orders').catch((error: unknown) => {
        counts.unread++;
        probe.inspect(error, 'the error of a read');
      });
      return counts.renewed > 0 && counts.started > 1;
    });
    probe.inspect(auth, 'the login');
    probe.inspect(secrets, 'the facade');
    probe.inspect(secrets.health(), 'the health');
  } finally {
    await secrets.close();
  }
  return counts;
}
