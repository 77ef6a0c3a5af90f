import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerError } from '../src/answer-error.js';
import { applies, type CallFacts, type Purpose } from '../src/answer-row.js';
import { ANSWER_ROWS } from '../src/answer-rows.js';
import { allObserved, answerOf, answersNamed } from './observed.js';
import vectors from './vectors/vault-errors.json' with { type: 'json' };

const facts = (purpose: Purpose, advice?: string): CallFacts => ({
  purpose,
  path: purpose === 'find-mount' ? 'sys/internal/ui/mounts/secret/orders' : 'secret/data/orders',
  capability: 'read',
  advice,
});
const errorOf = (status: number, body: unknown, purpose: Purpose = 'read') =>
  answerError(answerOf({ status, body }), facts(purpose, 'Check roleId.'));
const says = (...errors: string[]) => ({ errors });

/** Every row of the table at least once: status, body, purpose → code, and a word that the sentences must have. */
const EXPECTED: readonly [status: number, body: unknown, purpose: Purpose, code: string, word: RegExp][] = [
  [400, 'RAW:Client sent an HTTP request to an HTTPS server.\n', 'read', 'invalid-config', /https:\/\//],
  [
    400,
    'RAW:<html>The plain HTTP request was sent to HTTPS port</html>',
    'log-in',
    'invalid-config',
    /address/,
  ],
  [408, null, 'read', 'unavailable', /later/],
  [412, says('required index state not present'), 'read', 'unavailable', /another node/],
  [429, says('lease count quota exceeded'), 'read', 'rate-limited', /quota of leases/],
  [
    429,
    says('request path "secret/data/x": rate limit quota exceeded'),
    'read',
    'rate-limited',
    /rate-limit/,
  ],
  [429, 'RAW:<html>slow down</html>', 'read', 'rate-limited', /rate limit/],
  [472, null, 'read', 'unavailable', /secondary/],
  [473, null, 'read', 'unavailable', /standby/],
  [474, null, 'read', 'unavailable', /standby/],
  [
    500,
    says('1 error occurred:\n\t* "na" is not an allowed role\n\n'),
    'read',
    'permission-denied',
    /allowed_roles/,
  ],
  [500, says('Vault is in standby mode'), 'read', 'unavailable', /active node/],
  [
    500,
    says('local node not active but active cluster node not found'),
    'log-in',
    'unavailable',
    /active node/,
  ],
  [503, says('Vault is sealed'), 'read', 'unavailable', /Unseal/],
  [503, says('namespace is sealed'), 'log-in', 'unavailable', /sealed/],
  [
    503,
    says('API access to this namespace has been locked by an administrator'),
    'read',
    'unavailable',
    /locked/,
  ],
  [500, says('failed to execute query'), 'read', 'unavailable', /500/],
  [502, 'RAW:<html>Bad Gateway</html>', 'read', 'unavailable', /502/],
  [503, null, 'renew-lease', 'unavailable', /503/],
  [
    400,
    says(
      'Waiting for the primary to upgrade from non-versioned to versioned data. This backend will be unavailable',
    ),
    'read',
    'unavailable',
    /joining/,
  ],
  [400, says('failed to decode "X-Vault-Index"'), 'read', 'unavailable', /another/],
  [400, says('path disabled in replication DR secondary mode'), 'log-in', 'unavailable', /secondary/],
  [400, says('cannot write to readonly storage'), 'renew-lease', 'unavailable', /secondary/],
  [400, says('Upgrading from non-versioned to versioned data.'), 'read', 'unavailable', /upgraded/],
  [200, 'RAW:<!doctype html><title>Sign in</title>', 'read', 'bad-response', /proxy.*HTML/],
  [200, 'RAW:{"data": {"password": "half', 'read', 'bad-response', /proxy/],
  [404, 'RAW:<html>nginx</html>', 'read', 'bad-response', /proxy/],
  [404, null, 'read', 'bad-response', /no body/],
  [403, 'RAW:RBAC: access denied', 'read', 'bad-response', /plain text/],
  [404, says('namespace not found'), 'log-in', 'invalid-config', /setting namespace/],
  [404, says('namespace not found'), 'read', 'invalid-config', /setting namespace/],
  [400, says('invalid role or secret ID'), 'log-in', 'unauthenticated', /Check roleId/],
  [401, says('unauthorized'), 'log-in', 'unauthenticated', /Check roleId/],
  [403, says('permission denied'), 'log-in', 'unauthenticated', /Check roleId/],
  [
    404,
    says('no handler for route "auth/x/login". route entry not found.'),
    'log-in',
    'invalid-config',
    /mount/,
  ],
  [405, says('unsupported operation'), 'log-in', 'invalid-config', /auth method/],
  [
    400,
    says('wrapping token is not valid or does not exist'),
    'unwrap',
    'unauthenticated',
    /unwrapped already.*audit log.*Check roleId/,
  ],
  [
    500,
    says('1 error occurred:\n\t* past the max TTL, cannot renew\n\n'),
    'renew-token',
    'unsupported',
    /maximum/,
  ],
  [403, says('permission denied'), 'look-up-token', 'unauthenticated', /lookup-self/],
  [400, says('lease is not renewable'), 'renew-token', 'unsupported', /login/],
  [400, says('batch tokens cannot be revoked'), 'revoke-token', 'unsupported', /token/],
  [400, says('lease is not renewable'), 'renew-lease', 'unsupported', /replaced/],
  [
    400,
    says('failed to revoke entry: dial tcp: connection refused'),
    'revoke-lease',
    'unavailable',
    /tried again/,
  ],
  [400, says('lease not found'), 'renew-lease', 'lease-lost', /expired or was revoked/],
  [400, says('lease expired'), 'renew-lease', 'lease-lost', /new one/],
  [400, says('invalid lease ID'), 'renew-lease', 'lease-lost', /new one/],
  [400, says('invalid lease'), 'revoke-lease', 'lease-lost', /new one/],
  [404, says(), 'renew-lease', 'lease-lost', /new one/],
  [401, says('unauthorized'), 'read', 'unauthenticated', /auth/],
  [
    403,
    says('preflight capability check returned 403'),
    'find-mount',
    'permission-denied',
    /secret\/orders.*mounts/,
  ],
  [
    403,
    says('1 error occurred:\n\t* permission denied\n\n'),
    'read',
    'permission-denied',
    /Allow read on secret\/data/,
  ],
  [
    404,
    { data: { data: null, metadata: { version: 3, destroyed: true, deletion_time: '' } } },
    'read',
    'not-found',
    /Version 3 has been destroyed/,
  ],
  [
    404,
    {
      data: {
        data: null,
        metadata: { version: 2, destroyed: false, deletion_time: '2018-03-22T02:36:43.98Z' },
      },
    },
    'read',
    'not-found',
    /Version 2 was deleted at 2018-03-22T02:36:43\.98Z/,
  ],
  [
    404,
    { data: null, warnings: ['Invalid path for a versioned K/V secrets engine.'] },
    'read',
    'invalid-config',
    /kv2/,
  ],
  [404, says('no handler for route "foo/bar". route entry not found.'), 'read', 'not-found', /mounted/],
  [404, says(), 'read', 'not-found', /secret\/data\/orders/],
  [405, says('1 error occurred:\n\t* unsupported operation\n\n'), 'read', 'unsupported', /parameters/],
  [400, says('encryption key not found'), 'transit', 'not-found', /setting key/],
  [400, says("missing 'context' for key derivation; the key was …"), 'transit', 'invalid-value', /context/],
  [
    400,
    says('ciphertext or signature version is disallowed by policy (too old)'),
    'transit',
    'invalid-value',
    /min_decryption_version/,
  ],
  [400, says('requested version for signing is higher than …'), 'transit', 'invalid-value', /version/],
  [400, says('key type aes256-gcm96 does not support signing'), 'transit', 'unsupported', /type/],
  [400, says('cipher: message authentication failed'), 'transit', 'invalid-value', /associatedData/],
  [400, says('unknown role: nope'), 'read', 'not-found', /role/],
  [400, says('unknown key: nope'), 'read', 'not-found', /key/],
  [400, says('Field validation failed: error converting input'), 'read', 'invalid-ref', /version/],
  [413, says('http: request body too large'), 'read', 'bad-response', /413/],
  [418, says('teapot'), 'read', 'bad-response', /418/],
];

describe('the table of answers', () => {
  it.each(EXPECTED)('%i %j to %s is %s', (status, body, purpose, code, word) => {
    const error = errorOf(status, body, purpose);
    expect(error?.code).toBe(code);
    expect(error?.message).toMatch(word);
    expect(error?.status).toBe(status);
  });

  it.each([400, 500])(
    'a batch that says of each item how it fared is none, whatever its status (%i)',
    (status) => {
      const body = { data: { batch_results: [{ error: 'cipher: message authentication failed' }] } };
      expect(errorOf(status, body, 'transit')).toBeUndefined();
      expect(errorOf(status, body, 'read')).toBeDefined();
    },
  );

  it('has no row that nothing reaches', () => {
    const reached = EXPECTED.map(([status, body, purpose]) =>
      ANSWER_ROWS.findIndex((row) => applies(row, answerOf({ status, body }), facts(purpose))),
    );
    expect([...new Set(reached)].sort((one, other) => one - other)).toEqual(
      ANSWER_ROWS.map((_, place) => place),
    );
  });

  it.each([
    [200, { data: {} }],
    [202, { warnings: ['queued'] }],
    [204, null],
  ])('takes %i for a success', (status, body) => {
    expect(errorOf(status, body)).toBeUndefined();
  });

  it('F19: a rate limit carries how long the server asked to wait', () => {
    const answer = {
      ...answerOf({ status: 429, body: says('rate limit quota exceeded') }),
      retryAfterMs: 3_000,
    };
    expect(answerError(answer, facts('read'))?.retryAfterMs).toBe(3_000);
  });
});

/** What an application must be told about each known error of the store. */
const BY_TEXT: readonly [text: RegExp, purpose: Purpose, code: string][] = [
  [
    /namespace is sealed|Vault is sealed|locked by an administrator|temporarily overloaded/,
    'read',
    'unavailable',
  ],
  [/standby mode/, 'read', 'unavailable'],
  [/required index state|upstream rate limited/, 'read', 'unavailable'],
  [/lease (not found|expired)|invalid lease ID/, 'renew-lease', 'lease-lost'],
  [/lease is not renewable/, 'renew-lease', 'unsupported'],
  [/invalid role or secret ID/, 'log-in', 'unauthenticated'],
  [/unknown role|no handler for route/, 'read', 'not-found'],
  [/namespace not found/, 'read', 'invalid-config'],
  [/permission denied/, 'read', 'permission-denied'],
  [/unsupported operation/, 'read', 'unsupported'],
  [/quota exceeded/, 'read', 'rate-limited'],
  [/check-and-set|wrapping token/, 'read', 'invalid-ref'],
  [/request body too large/, 'read', 'bad-response'],
  [/versioned K\/V/, 'read', 'invalid-config'],
];

describe('the errors that Vault’s sources name', () => {
  const errors = vectors.errors as readonly { status: number; body: unknown; when: string }[];

  it.each(errors.filter(({ status }) => status >= 400))('$status when $when', ({ status, body }) => {
    const text = JSON.stringify(body);
    const known = BY_TEXT.find(([pattern]) => pattern.test(text));
    const error = errorOf(status, body, known?.[1] ?? 'read');
    expect(error?.code).toBe(known?.[2] ?? 'not-found');
  });

  it('takes the rest for successes, or for redirects that the transport decides on', () => {
    const rest = errors.filter(({ status }) => status < 400);
    expect(rest.map(({ status }) => status)).toEqual([307, 204, 200, 200]);
    for (const { status, body } of rest.slice(1)) expect(errorOf(status, body)).toBeUndefined();
  });

  it.each(vectors.health)('health of a node that is $state: $status', ({ status }) => {
    const codes: Record<number, string> = { 429: 'rate-limited' };
    const code = errorOf(status, { initialized: true })?.code;
    expect(code).toBe(status === 200 ? undefined : (codes[status] ?? 'unavailable'));
  });
});

describe('the answers that were seen', () => {
  it.each<[name: string, purpose: Purpose, code: string | undefined]>([
    ['kv2 read none', 'read', 'not-found'],
    ['kv2 read', 'read', undefined],
    ['kv2 read v99', 'read', 'not-found'],
    ['kv2 read v bad', 'read', 'invalid-ref'],
    ['kv2 read deleted', 'read', 'not-found'],
    ['kv2 read destroyed', 'read', 'not-found'],
    ['kv2 read auto-deleted', 'read', 'not-found'],
    ['kv2 without data/', 'read', 'invalid-config'],
    ['path GET secret/data', 'read', 'invalid-config'],
    ['path GET secret/data/%', 'read', 'bad-response'],
    ['path GET secret/data/a%0ab', 'read', 'bad-response'],
    ['path GET nope/x', 'read', 'not-found'],
    ['no token', 'read', 'permission-denied'],
    ['bad token', 'read', 'permission-denied'],
    ['bad token lookup-self', 'look-up-token', 'unauthenticated'],
    ['denied service', 'read', 'permission-denied'],
    ['renew-self service', 'renew-token', undefined],
    ['renew-self batch', 'renew-token', 'unsupported'],
    ['renew-self nonrenew', 'renew-token', 'unsupported'],
    ['revoke-self batch', 'revoke-token', 'unsupported'],
    ['expired token renew-self', 'renew-token', 'permission-denied'],
    ['approle login used sid', 'log-in', 'unauthenticated'],
    ['approle login bad role', 'log-in', 'unauthenticated'],
    ['approle login nothing', 'log-in', 'unavailable'],
    ['userpass bad #0', 'log-in', 'unauthenticated'],
    ['userpass bad #5', 'log-in', 'unauthenticated'],
    ['kv1 list none', 'list', 'not-found'],
    ['ui mounts none', 'find-mount', 'permission-denied'],
    ['pki issue no role', 'read', 'not-found'],
    ['totp none', 'read', 'not-found'],
    ['db creds none', 'read', 'not-found'],
    ['static creds none', 'read', 'not-found'],
    ['db creds badsql', 'read', 'unavailable'],
    ['db creds not allowed', 'read', 'permission-denied'],
    ['renew neg inc', 'renew-lease', 'lease-lost'],
    ['renew revoked', 'renew-lease', 'lease-lost'],
    ['renew garbage', 'renew-lease', 'lease-lost'],
    ['renew empty', 'renew-lease', 'lease-lost'],
    ['revoke', 'revoke-lease', undefined],
    ['revoke revoked', 'revoke-lease', undefined],
    ['rlh 2', 'read', 'rate-limited'],
    ['sealed GET secret/data/n', 'read', 'unavailable'],
    ['sealed POST auth/approle/login', 'log-in', 'unavailable'],
    ['sealed GET nope/x', 'read', 'unavailable'],
  ])('%s, asked to %s: %s', (name, purpose, code) => {
    for (const answer of answersNamed(name)) {
      expect(answerError(answerOf(answer), facts(purpose))?.code).toBe(code);
    }
  });

  it('F49: repeats no word of any answer', () => {
    const purposes: readonly Purpose[] = ['read', 'log-in', 'renew-lease', 'find-mount'];
    for (const answer of allObserved()) {
      const words = JSON.stringify(answer.body).match(/[\w.-]{24,}/g) ?? [];
      for (const purpose of purposes) {
        const shown = inspect(answerError(answerOf(answer), facts(purpose)), { depth: 9, showHidden: true });
        for (const word of words) if (!/^\d{4}-/.test(word)) expect(shown).not.toContain(word);
      }
    }
  });

  it('F49: property: an error never contains what an answer says', () => {
    const anyStatus = fc.integer({ min: 300, max: 599 });
    fc.assert(
      fc.property(
        anyStatus,
        fc.constantFrom<Purpose>('read', 'log-in', 'revoke-lease'),
        (status, purpose) => {
          const body = {
            errors: ['CANARY-9f2'],
            data: { metadata: { deletion_time: 'CANARY-9f2' }, password: 'CANARY-9f2' },
          };
          const error = errorOf(status, body, purpose);
          expect(error).toBeDefined();
          expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(
            'CANARY',
          );
        },
      ),
    );
  });
});
