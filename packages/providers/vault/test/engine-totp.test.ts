import { createHmac } from 'node:crypto';
import { createSecrets } from '@keyturn/core';
import { fakeClock } from '@keyturn/core/testing';
import { token, vault } from '@keyturn/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { logIn } from './calls.js';

/** The secret of the test vectors of RFC 6238, and its base32 form. */
const SEED = '12345678901234567890';
const SEED_BASE32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

/** The six digits of RFC 6238 for a period. */
function codeOf(counter: number): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const digest = createHmac('sha1', SEED).update(message).digest();
  const word = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, '0');
}

describe.skipIf(!requireServer('openbao'))('TOTP codes', () => {
  let bao: OpenBaoServer;
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'sys/mounts/totp', { type: 'totp' });
    for (const period of [2, 30, 60]) {
      const url = `otpauth://totp/Keyturn:orders?secret=${SEED_BASE32}&period=${period}&issuer=Keyturn`;
      await bao.api('POST', `totp/keys/every-${period}`, { url });
    }
  });
  afterAll(() => bao?.stop());

  const connect = (secret: string) => vault({ address: bao.address, auth: token({ token: secret }) });

  it.each([30, 60])('last to the end of their period of %d s, and not a moment longer', async (period) => {
    const provider = connect(bao.rootToken);
    const wallMs = period * 1_000 * 7 + 12_345;
    const options = { ...(await logIn(provider)), clock: fakeClock({ wallMs }) };
    const code = await provider.fetch({ path: `totp/code/every-${period}` }, options);
    expect(code.lease).toEqual({ ttlMs: period * 1_000 - 12_345, end: 'rotates' });
    await provider.close?.();
  });

  it('where the policy hides the key, a period of 30 s is taken', async () => {
    const policy = 'path "totp/code/*" { capabilities = ["read"] }';
    await bao.api('PUT', 'sys/policies/acl/codes', { policy });
    const { auth } = await bao.api('POST', 'auth/token/create', { policies: ['codes'] });
    const provider = connect(auth.client_token);
    const options = { ...(await logIn(provider)), clock: fakeClock({ wallMs: 61_000 }) };
    const code = await provider.fetch({ path: 'totp/code/every-60' }, options);
    expect(code.lease).toEqual({ ttlMs: 29_000, end: 'rotates' });
    await provider.close?.();
  });

  it('through createSecrets a code is the one of its period, and the next one follows by itself', async () => {
    const secrets = createSecrets({ providers: { vault: connect(bao.rootToken) } });
    const seen: string[] = [];
    const stop = secrets.watch('vault:totp/code/every-2#code', (code) => void seen.push(code.reveal()));
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(3);
    stop();
    await secrets.close();
    const now = Math.floor(Date.now() / 2_000);
    const known = Array.from({ length: 30 }, (_, ago) => codeOf(now - ago));
    for (const code of seen) expect(known).toContain(code);
  });
});
