import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../servers/require-server.js';
import { type Stack, startStack } from './stack.js';

describe.skipIf(!requireServer('openbao', 'postgres'))('many cold reads at once', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    await stack.store.api('POST', 'secret/data/orders', {
      data: { stripe_key: 'sk-cold-reads', other: 'two' },
    });
  });
  afterAll(() => stack?.stop());

  it('F24: 1,000 concurrent getSecret: one request for the secret, one login', async () => {
    await using secrets = stack.createSecrets();
    stack.proxy.forget();
    const read = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        secrets.getSecret(n % 2 === 0 ? 'vault:secret/orders#stripe_key' : 'vault:secret/orders#other'),
      ),
    );
    expect(read[0]?.reveal()).toBe('sk-cold-reads');
    expect(read[1]?.reveal()).toBe('two');
    const reads = stack.proxy.count('GET', '/v1/secret/data/orders');
    console.log(`1,000 cold reads: ${reads} at the secret, ${stack.proxy.requests().length} in all`);
    expect(reads).toBe(1);
    expect(stack.proxy.count('POST', '/v1/auth/approle/login')).toBe(1);
  });

  it('F25: user and password of 1,000 reads during rotations are always of one version', async () => {
    await using secrets = stack.createSecrets();
    const ref = `vault:${stack.engine.creds}`;
    const pairs = new Map<string, Set<string>>();
    for (let round = 0; round < 10; round++) {
      const reads = Promise.all(Array.from({ length: 100 }, () => secrets.getSecret(ref)));
      await secrets.rotate(ref);
      for (const secret of await reads) {
        const { username = '', password = '' } = secret.revealFields();
        pairs.set(username, (pairs.get(username) ?? new Set()).add(password));
      }
    }
    expect(pairs.size).toBeGreaterThan(1);
    expect([...pairs.values()].every((passwords) => passwords.size === 1)).toBe(true);
  });
});
