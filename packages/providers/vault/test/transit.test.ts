import { createVerify, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { isSecretsError } from '@keyturn/core/provider';
import { type Transit, type TransitConfig, token, transit } from '@keyturn/vault';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenBaoServer, startOpenBao } from '../../../../test/servers/openbao.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { failureOf } from './calls.js';

const text = (content: string) => new Uint8Array(Buffer.from(content));
/** What a batch gave: results, or the codes of errors. */
const outcomes = (list: readonly unknown[]) => list.map((each) => (isSecretsError(each) ? each.code : each));

describe.skipIf(!requireServer('openbao'))('transit', () => {
  let bao: OpenBaoServer;
  const clients: Transit[] = [];
  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.api('POST', 'sys/mounts/transit', { type: 'transit' });
    const keys = { aes: {}, derived: { derived: true }, ed: { type: 'ed25519' }, ec: { type: 'ecdsa-p256' } };
    for (const [name, key] of Object.entries({ ...keys, rsa: { type: 'rsa-2048' } })) {
      await bao.api('POST', `transit/keys/${name}`, key);
    }
  });
  afterAll(async () => {
    for (const client of clients) await client.close();
    await bao?.stop();
  });

  function keyed(key: string, config: Partial<TransitConfig> = {}): Transit {
    const client = transit({ address: bao.address, auth: token({ token: bao.rootToken }), key, ...config });
    clients.push(client);
    return client;
  }

  it('any bytes come back as they were, from memory of their own', async () => {
    const client = keyed('aes');
    const samples = fc.sample(fc.uint8Array({ maxLength: 300 }), 40);
    const kept = await client.encryptMany([new Uint8Array(), ...samples].map((plaintext) => ({ plaintext })));
    const back = await client.decryptMany(kept.map((ciphertext) => ({ ciphertext: String(ciphertext) })));
    expect(back).toEqual([new Uint8Array(), ...samples]);
    const one = await client.decrypt(await client.encrypt(text('alone')));
    expect(one).toEqual(text('alone'));
    expect(one.buffer.byteLength).toBe(5);
  });

  it('a view into a larger buffer is no more than what it shows', async () => {
    const client = keyed('aes');
    const view = text('before|inside|behind').subarray(7, 13);
    expect(await client.decrypt(await client.encrypt(view))).toEqual(text('inside'));
  });

  it('associated data and context must be those of the encryption', async () => {
    const [aes, derived] = [keyed('aes'), keyed('derived')];
    const bound = await aes.encrypt(text('card'), { associatedData: text('order 1') });
    expect(await aes.decrypt(bound, { associatedData: text('order 1') })).toEqual(text('card'));
    const other = await failureOf(aes.decrypt(bound, { associatedData: text('order 2') }));
    expect(other).toMatchObject({ code: 'invalid-value', ref: 'transit/keys/aes', provider: 'transit' });
    expect(other.remedy).toContain('associatedData');
    const kept = await derived.encrypt(text('card'), { context: text('tenant 1') });
    expect(await derived.decrypt(kept, { context: text('tenant 1') })).toEqual(text('card'));
    expect((await failureOf(derived.decrypt(kept, { context: text('tenant 2') }))).code).toBe(
      'invalid-value',
    );
    expect((await failureOf(derived.decrypt(kept))).message).toContain('no context was given');
  });

  it('in a batch each item fares by itself, also when none succeeds', async () => {
    const client = keyed('aes');
    const kept = await client.encrypt(text('good'));
    const bound = await client.encrypt(text('good'), { associatedData: text('a') });
    const items = [{ ciphertext: bound }, { ciphertext: 'nonsense' }, { ciphertext: 'vault:v99:AAAA' }];
    const failures = ['invalid-value', 'invalid-value', 'invalid-value'];
    expect(outcomes(await client.decryptMany(items))).toEqual(failures);
    expect(outcomes(await client.decryptMany([{ ciphertext: kept }, ...items]))).toEqual([
      text('good'),
      ...failures,
    ]);
    expect(outcomes(await client.rewrapMany([{ ciphertext: kept }, ...items]))).toEqual([
      expect.stringMatching(/^vault:v1:/),
      ...failures,
    ]);
    const rsa = keyed('rsa');
    const [wrong] = await rsa.decryptMany([
      { ciphertext: `vault:v1:${Buffer.alloc(256, 7).toString('base64')}` },
    ]);
    expect(isSecretsError(wrong) && wrong.code).toBe('invalid-value');
    expect(await client.encryptMany([])).toEqual([]);
  });

  it('rewrap goes to the latest version of the key, and older ones can be ruled out', async () => {
    await bao.api('POST', 'transit/keys/rolling', {});
    const client = keyed('rolling');
    const old = await client.encrypt(text('long kept'));
    await bao.api('POST', 'transit/keys/rolling/rotate', {});
    expect(await client.encrypt(text('x'), { keyVersion: 1 })).toMatch(/^vault:v1:/);
    const renewed = await client.rewrap(old);
    expect(renewed).toMatch(/^vault:v2:/);
    await bao.api('POST', 'transit/keys/rolling/config', { min_decryption_version: 2 });
    expect(await client.decrypt(renewed)).toEqual(text('long kept'));
    const ruledOut = await failureOf(client.decrypt(old));
    expect(ruledOut.message).toContain('min_decryption_version');
  });

  it('a signature is told from another, and a malformed one is none', async () => {
    for (const key of ['ed', 'ec', 'rsa']) {
      const client = keyed(key);
      const signature = await client.sign(text('order 1'));
      expect(await client.verify(text('order 1'), signature)).toBe(true);
      expect(await client.verify(text('order 2'), signature)).toBe(false);
      expect(await client.verify(text('order 1'), 'nonsense')).toBe(false);
      const [first, second] = await client.signMany([{ input: text('a') }, { input: text('b') }]);
      const claims = [
        { input: text('a'), signature: String(first) },
        { input: text('b'), signature: String(first) },
        { input: text('b'), signature: String(second) },
      ];
      expect(await client.verifyMany(claims)).toEqual([true, false, true]);
    }
  });

  it('what is signed here is verified by anybody who has the public key', async () => {
    const { data } = await bao.api('GET', 'transit/keys/rsa');
    const how = { hashAlgorithm: 'sha2-512', signatureAlgorithm: 'pkcs1v15' } as const;
    const signature = await keyed('rsa').sign(text('order 1'), how);
    const verifier = createVerify('sha512').update('order 1');
    expect(verifier.verify(data.keys['1'].public_key, signature.replace('vault:v1:', ''), 'base64')).toBe(
      true,
    );
  });

  it('hmac: equal input, equal code; another algorithm, another code', async () => {
    const client = keyed('aes');
    const [one, same, other] = await client.hmacMany([
      { input: text('a') },
      { input: text('a') },
      { input: text('b') },
    ]);
    expect(one).toBe(same);
    expect(one).not.toBe(other);
    expect(await client.hmac(text('a'), { algorithm: 'sha2-512' })).not.toBe(one);
    expect(await client.verifyHmac(text('a'), String(one))).toBe(true);
    expect(await client.verifyHmac(text('b'), String(one))).toBe(false);
    expect(await client.verifyHmac(text('a'), 'nonsense')).toBe(false);
  });

  it('a data key opens from the form that is kept', async () => {
    const client = keyed('aes');
    const { plaintext, ciphertext } = await client.datakey({ bits: 512 });
    expect(plaintext.length).toBe(64);
    expect(await client.decrypt(ciphertext)).toEqual(plaintext);
    const derived = keyed('derived');
    const bound = await derived.datakey({ context: text('tenant') });
    expect(await derived.decrypt(bound.ciphertext, { context: text('tenant') })).toEqual(bound.plaintext);
  });

  it('what a key cannot do, a key that is not there and a mount that is not are told apart', async () => {
    expect((await failureOf(keyed('ed').encrypt(text('x')))).code).toBe('unsupported');
    expect((await failureOf(keyed('aes').sign(text('x')))).code).toBe('unsupported');
    expect((await failureOf(keyed('nobody').decrypt('vault:v1:AAAA'))).message).toContain('setting key');
    const nowhere = await failureOf(keyed('aes', { mount: 'nowhere' }).encrypt(text('x')));
    expect(nowhere.code).toBe('not-found');
    expect(nowhere.message).toContain('Nothing is mounted');
    await bao.api('PUT', 'sys/policies/acl/encrypts', {
      policy: 'path "transit/encrypt/aes" { capabilities = ["update"] }',
    });
    const { auth } = await bao.api('POST', 'auth/token/create', { policies: ['encrypts'] });
    const limited = keyed('aes', { auth: token({ token: auth.client_token }) });
    const kept = await limited.encrypt(text('x'));
    expect((await failureOf(limited.decrypt(kept))).message).toContain('Allow update on transit/decrypt/aes');
    const typo = keyed('aez', { auth: token({ token: auth.client_token }) });
    expect((await failureOf(typo.encrypt(text('x')))).code).toBe('permission-denied');
  });

  it('F49: no error shows plaintext, and no client its login', async () => {
    const canary = Buffer.from(`CANARY-${randomBytes(8).toString('hex')}`);
    const shapes = [canary.toString(), canary.toString('base64').slice(0, 12), canary.toString('hex')];
    const client = keyed('aes', { mount: 'nowhere' });
    const shown: unknown[] = [client];
    shown.push(await failureOf(client.encrypt(canary)));
    shown.push(...(await keyed('ed').encryptMany([{ plaintext: canary }])));
    shown.push(await failureOf(keyed('aes').encrypt(canary.toString() as unknown as Uint8Array)));
    shown.push(await failureOf(keyed('aes').decrypt('vault:v1:AAAA', { context: canary })));
    for (const thing of shown) {
      const printed = inspect(thing, { depth: 20, showHidden: true }) + JSON.stringify(thing);
      for (const shape of [...shapes, bao.rootToken]) expect(printed).not.toContain(shape);
      expect(isSecretsError(thing) || thing === client).toBe(true);
    }
  });

  it('who leaves is let go of, a server that hangs is given up, and the next address is called', async () => {
    const other = await startOpenBao();
    try {
      await other.pause();
      const leaver = new AbortController();
      const hanging = keyed('aes', { address: other.address, timeout: '300ms' });
      const leaving = failureOf(hanging.encrypt(text('x'), { signal: leaver.signal }));
      leaver.abort();
      expect((await leaving).code).toBe('aborted');
      expect((await failureOf(hanging.encrypt(text('x')))).message).toMatch(
        /timeout.*300 ms.*raise timeout/s,
      );
      const both = keyed('aes', { address: [other.address, bao.address], timeout: '300ms' });
      expect(await both.decrypt(await both.encrypt(text('x')))).toEqual(text('x'));
      const sentMs = performance.now();
      await both.hmac(text('x'));
      expect(performance.now() - sentMs).toBeLessThan(300);
    } finally {
      other.resume();
      await other.stop();
    }
  });

  it.each([
    ['key', { key: 'a/b' }],
    ['key', { key: '' }],
    ['mount', { mount: '../sys' }],
    ['timeout', { timeout: 0 }],
    ['mounts', { mounts: {} } as Partial<TransitConfig>],
    ['address', { address: 'vault' }],
  ])('the setting %s is checked before any call', (setting, config) => {
    expect(() => keyed('aes', config)).toThrow(new RegExp(`invalid-config.*setting ${setting}`));
  });

  it.each([
    ['plaintext', (client: Transit) => client.encrypt('text' as unknown as Uint8Array)],
    ['ciphertext', (client: Transit) => client.decrypt(undefined as unknown as string)],
    ['context', (client: Transit) => client.encrypt(text('x'), { context: 'text' as unknown as Uint8Array })],
    ['signature', (client: Transit) => client.verify(text('x'), '')],
  ])('what is given as %s is checked before any call', async (name, call) => {
    const client = keyed('aes', { address: 'http://127.0.0.1:1' });
    const error = await failureOf(call(client) as Promise<unknown>);
    expect(error.code).toBe('invalid-value');
    expect(error.message).toContain(name);
  });

  it('once closed it takes no more calls, and what was under way is finished', async () => {
    const client = keyed('aes');
    const underWay = client.encrypt(text('last'));
    const closing = client.close();
    expect(await underWay).toMatch(/^vault:v1:/);
    await closing;
    expect((await failureOf(client.encrypt(text('late')))).code).toBe('closed');
    await client.close();
  });
});
