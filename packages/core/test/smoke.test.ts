import { createSecrets, template, rotating } from '@keyturn/core';
import { fakeClock } from '@keyturn/core/testing';
import type { Provider } from '@keyturn/core/provider';
import { SecretsError } from '@keyturn/core';
import { expect, it } from 'vitest';

it('smoke', async () => {
  const clock = fakeClock();
  let n = 0; const log: string[] = [];
  const provider: Provider = {
    name: 'x',
    async fetch(ref) { n++; log.push(`fetch ${clock.monotonicMs()}`); if (ref.path === 'kv') return { data: { a: 'one', b: 'two' }, version: '1' };
      return { data: { username: 'u' + n, password: 'p' + n }, version: 'v' + n, lease: { ttlMs: 5000, handle: { id: 'l' + n, renewable: true } } }; },
    async renew(id, { ttlMs }) { log.push(`renew ${id} ${clock.monotonicMs()}`); const leftMs = 12_000 - (clock.monotonicMs() % 12_000); return { ttlMs: Math.min(ttlMs, leftMs) }; },
    async revoke(id) { log.push('revoke ' + id + ' ' + clock.monotonicMs()); },
  };
  const secrets = createSecrets({ providers: { m: provider }, clock });
  secrets.on('secret-rotated', (e) => log.push('rotated ' + e.version));
  const s = await secrets.getSecret('m:kv#a');
  expect(s.reveal()).toBe('one');
  expect(String(s)).toBe('Secret(m:kv#a, v1)');
  const t = template('postgres://{{username}}:{{password}}@db/x', 'm:creds');
  log.push((await secrets.getSecret(t)).reveal());
  const r = rotating(secrets, 'm:creds', { open: async (secret) => ({ u: secret.revealFields().username }), close: (x) => { log.push('close ' + x.u); } });
  log.push('cur ' + (await r.current()).u);
  const seen: string[] = [];
  secrets.watch('m:creds', (x) => { seen.push(x.version); });
  await clock.advance(30_000);
  console.log(secrets.inventory(), secrets.health());
  const before = await r.current();
  log.push('replace ' + (await r.replace(before)).u);
  await clock.settle();
  const closing = secrets.close();
  await clock.advance(100);
  await closing;
  console.log(log.join('\n'), seen, clock.pending);
  await expect(secrets.getSecret('m:kv')).rejects.toThrow(/closed/);
});
