import { createSecrets, template } from '@keyturn/core';
import type { Provider } from '@keyturn/core/provider';
import { fakeClock } from '@keyturn/core/testing';
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../src/index.js';

describe('a redactor given to createSecrets', () => {
  test('knows each value from when it is fetched, and forgets it an hour after it is replaced', async () => {
    const clock = fakeClock();
    const redactor = createRedactor({ clock, showRef: true });
    let version = 1;
    const provider: Provider = {
      name: 'test',
      fetch: async () => ({ data: { password: `password-of-version-${version}` }, version: String(version) }),
    };
    const secrets = createSecrets({ providers: { test: provider }, redactor, clock });
    const secret = await secrets.getSecret('test:db#password');
    expect(secret.version).toBe('1');
    expect(redactor.redact('password-of-version-1')).toMatch(/^\[REDACTED test:db.*\]$/);
    const url = template('postgres://app:{{password}}@db/orders', 'test:db');
    await secrets.getSecret(url);
    expect(redactor.redact('postgres://app:password-of-version-1@db/orders')).toMatch(/^\[REDACTED \S+\]$/);
    version = 2;
    await secrets.rotate('test:db');
    expect(redactor.redact('password-of-version-2')).toMatch(/^\[REDACTED test:db.*\]$/);
    expect(redactor.redact('password-of-version-1')).toMatch(/^\[REDACTED test:db.*\]$/);
    await clock.advance(3_600_000);
    expect(redactor.redact('password-of-version-1')).toBe('password-of-version-1');
    expect(redactor.redact('password-of-version-2')).toMatch(/^\[REDACTED test:db.*\]$/);
    await secrets.close();
  });
});
