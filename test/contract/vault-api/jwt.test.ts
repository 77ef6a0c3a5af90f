import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { contractSuite } from './contract-suite.js';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const STRANGER = generateKeyPairSync('rsa', { modulusLength: 2048 });

contractSuite('JWT', {}, (server) => {
  const nowS = () => Math.floor(Date.now() / 1000);
  const claims = (changes: Record<string, unknown> = {}) => ({
    iss: 'https://issuer',
    sub: 'orders',
    aud: 'vault',
    iat: nowS(),
    exp: nowS() + 600,
    env: 'prod',
    team: 'a',
    ...changes,
  });
  const login = (token: string, role = 'app') =>
    server().call('POST', 'auth/jwt/login', { token: null, body: { role, jwt: token } });
  const refusal = async (token: string, role?: string) => {
    const { status, body } = await login(token, role);
    expect(status).toBe(400);
    return body.errors[0];
  };

  beforeAll(async () => {
    const { call } = server();
    await call('POST', 'sys/auth/jwt', { body: { type: 'jwt' } });
    const configured = await call('POST', 'auth/jwt/config', {
      body: {
        jwt_validation_pubkeys: [pem(RSA.publicKey), pem(EC.publicKey)],
        bound_issuer: 'https://issuer',
      },
    });
    expect(configured.status).toBe(204);
    const written = await call('POST', 'auth/jwt/role/app', {
      body: {
        role_type: 'jwt',
        user_claim: 'sub',
        bound_audiences: ['vault'],
        bound_claims: { env: 'prod', team: ['a', 'b'] },
        claim_mappings: { team: 'team_name' },
        token_policies: ['p'],
        token_ttl: '1m',
      },
    });
    expect(written.status).toBe(204);
  });

  test.each([
    ['RS256', RSA.privateKey],
    ['ES256', EC.privateKey],
  ])('%s logs in', async (algorithm, key) => {
    const { body } = await login(jwt(claims(), key, algorithm));
    expect(body.auth).toMatchObject({
      policies: ['default', 'p'],
      lease_duration: 60,
      metadata: { role: 'app', team_name: 'a' },
    });
    const own = await server().call('GET', 'auth/token/lookup-self', { token: body.auth.client_token });
    expect(own.body.data.display_name).toBe('jwt-orders');
  });

  test('one of several audiences is enough', async () => {
    expect((await login(jwt(claims({ aud: ['other', 'vault'] }), RSA.privateKey))).status).toBe(200);
  });

  test.each([
    ['issuer', { iss: 'https://other' }, 'invalid issuer (iss) claim'],
    ['audience', { aud: 'other' }, 'audience claim does not match any expected audience'],
    ['no audience', { aud: undefined }, 'audience claim does not match any expected audience'],
    ['claim', { env: 'dev' }, 'claim "env" does not match any associated bound claim values'],
    ['claim missing', { env: undefined }, 'claim "env" is missing'],
    ['user claim missing', { sub: undefined }, 'claim "sub" not found in token'],
    ['expired', { exp: 1_000_000 }, 'invalid expiration time (exp) claim: token is expired'],
    [
      'no time at all',
      { exp: undefined, iat: undefined },
      'no issued at (iat), not before (nbf), or expiration time (exp) claims in token',
    ],
  ])('another %s is refused', async (_name, changes, reason) => {
    expect(await refusal(jwt(claims(changes), RSA.privateKey))).toContain(reason);
  });

  test('a token that is not valid yet is refused', async () => {
    const later = nowS() + 400;
    const token = jwt(claims({ nbf: later, iat: later, exp: later + 600 }), RSA.privateKey);
    expect(await refusal(token)).toContain('token not yet valid');
  });

  test('another signature, another algorithm, none, and no token at all are refused', async () => {
    const unsigned = 'no known key successfully validated the token signature';
    expect(await refusal(jwt(claims(), STRANGER.privateKey))).toContain(unsigned);
    expect(await refusal(jwt(claims(), RSA.privateKey, 'none'))).toContain(unsigned);
    expect(await refusal(jwt(claims(), RSA.privateKey, 'HS256'))).toContain(unsigned);
    expect(await refusal('zz')).toContain('compact JWS format must have three parts');
    expect(await refusal('')).toBe('missing token');
  });

  test('a role that does not exist', async () => {
    expect(await refusal(jwt(claims(), RSA.privateKey), 'nobody')).toBe('role "nobody" could not be found');
  });

  test('a subject may be bound, and a glob', async () => {
    const { call } = server();
    await call('POST', 'auth/jwt/role/subject', {
      body: { role_type: 'jwt', user_claim: 'sub', bound_subject: 'me', bound_audiences: 'vault' },
    });
    await call('POST', 'auth/jwt/role/glob', {
      body: {
        role_type: 'jwt',
        user_claim: 'sub',
        bound_claims_type: 'glob',
        bound_claims: { env: 'pr*' },
        bound_audiences: 'vault',
      },
    });
    expect(await refusal(jwt(claims(), RSA.privateKey), 'subject')).toContain('invalid subject (sub) claim');
    expect((await login(jwt(claims({ sub: 'me' }), RSA.privateKey), 'subject')).status).toBe(200);
    expect((await login(jwt(claims(), RSA.privateKey), 'glob')).status).toBe(200);
  });

  test('an audience in the token must be bound to the role', async () => {
    await server().call('POST', 'auth/jwt/role/no-audience', {
      body: { role_type: 'jwt', user_claim: 'sub', bound_subject: 'orders' },
    });
    expect(await refusal(jwt(claims(), RSA.privateKey), 'no-audience')).toMatch(/audience/);
    expect((await login(jwt(claims({ aud: undefined }), RSA.privateKey), 'no-audience')).status).toBe(200);
  });

  test('a role must bind something', async () => {
    const { body } = await server().call('POST', 'auth/jwt/role/loose', {
      body: { role_type: 'jwt', user_claim: 'sub' },
    });
    expect(body.errors).toEqual(['must have at least one bound constraint when creating/updating a role']);
  });
});

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }) as string;
}

function jwt(claims: object, key: KeyObject, algorithm = 'RS256'): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: algorithm, typ: 'JWT' })}.${part(claims)}`;
  const options = algorithm === 'ES256' ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key;
  return `${signed}.${sign('sha256', Buffer.from(signed), options).toString('base64url')}`;
}
