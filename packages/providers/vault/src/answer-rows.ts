import { jsonText } from '@keyturn/core/provider';
import { type HttpAnswer, wordsOf } from './answer.js';
import type { AnswerRow, CallFacts, Purpose } from './answer-row.js';
import { type JsonObject, objectOf, textOf } from './json-object.js';

const READS: readonly Purpose[] = ['read', 'list', 'find-mount'];
const LEASES: readonly Purpose[] = ['renew-lease', 'revoke-lease'];

const STAYS = 'The value held before stays; check the server, and the setting address.';
const LATER = 'It is asked again later; if it goes on, look at the server.';
const TO_ACTIVE = 'Name the active node in address as well, or a load balancer that knows it.';

/**
 * What an answer that is no success means: status and words → code and sentences. The first row that applies
 * counts. Statuses and texts are those of HashiCorp Vault 1.21 and OpenBao 2.7.
 */
export const ANSWER_ROWS: readonly AnswerRow[] = [
  // The server cannot answer now. Whoever says so, a proxy included, may mean just that.
  {
    status: 400,
    also: ({ body }) => body.kind === 'foreign' && body.wantsTls,
    code: 'invalid-config',
    problem: 'The server speaks TLS on this port, and address begins with http://.',
    remedy: 'Write address with https://.',
  },
  {
    status: 408,
    code: 'unavailable',
    problem: 'The server gave up waiting for the request.',
    remedy: LATER,
  },
  {
    status: [412, 429],
    also: isBehind,
    code: 'unavailable',
    problem: 'The node has not yet seen what another node wrote.',
    remedy: LATER,
  },
  {
    status: 429,
    says: /lease count quota/,
    code: 'rate-limited',
    problem: 'The quota of leases is used up.',
    remedy: 'Raise the lease count quota at the store, or find out who does not revoke.',
  },
  {
    status: 429,
    code: 'rate-limited',
    problem: 'The rate limit of the server is reached.',
    remedy: 'Raise its rate-limit quota, or ask less often: raise cache.ttl.',
  },
  {
    status: [472, 474],
    code: 'unavailable',
    problem: 'The node is a secondary or a standby that does not answer.',
    remedy: TO_ACTIVE,
  },
  {
    status: 500,
    says: /is not an allowed role/,
    code: 'permission-denied',
    problem: 'The database connection does not allow this role.',
    remedy: 'Add the role to allowed_roles of the connection at the store.',
  },
  {
    status: 500,
    purposes: ['renew-token', 'renew-lease'],
    says: /past the max TTL/,
    code: 'unsupported',
    problem: 'It has come to its maximum ttl, and cannot be renewed any more.',
    remedy: 'Another takes its place.',
  },
  {
    status: 500,
    says: /standby mode|local node not active/,
    code: 'unavailable',
    problem: 'The node is in standby and cannot pass the request on.',
    remedy: TO_ACTIVE,
  },
  {
    status: 503,
    says: /is sealed/,
    code: 'unavailable',
    problem: 'The store is sealed.',
    remedy: 'Unseal it; secrets are read again by themselves then.',
  },
  {
    status: 503,
    says: /locked by an administrator/,
    code: 'unavailable',
    problem: 'An administrator has locked the namespace.',
    remedy: 'Have it unlocked, or check the setting namespace.',
  },
  {
    status: [500, 999],
    code: 'unavailable',
    problem: (_, { status }) => `The server, or a proxy before it, failed with status ${status}.`,
    remedy: LATER,
  },
  {
    status: 400,
    says: /upgrad\w+ from non-versioned to versioned data/i,
    code: 'unavailable',
    problem: 'The mount is being upgraded, or the node is still joining.',
    remedy: LATER,
  },
  {
    status: 400,
    also: refusesIndex,
    code: 'unavailable',
    problem: 'The server does not know the form of the state that another one named.',
    remedy: 'It is asked again without it; if it goes on, check what answers at address.',
  },
  {
    status: 400,
    says: /replication DR secondary mode|cannot write to read-?only storage/i,
    code: 'unavailable',
    problem: 'The node is a secondary that does not answer this.',
    remedy: TO_ACTIVE,
  },

  // From here on only the store itself is believed: a proxy's 404 must not look like a deleted secret.
  {
    status: [100, 299],
    also: ({ body }) => body.kind === 'foreign',
    code: 'bad-response',
    problem: foreignProblem,
    remedy: STAYS,
  },
  {
    status: [300, 499],
    also: ({ body }) => body.kind !== 'json',
    code: 'bad-response',
    problem: foreignProblem,
    remedy: STAYS,
  },
  {
    status: 404,
    says: /namespace not found/,
    code: 'invalid-config',
    problem: 'The store has no such namespace.',
    remedy: 'Check the setting namespace.',
  },

  // Logins and tokens.
  {
    status: [400, 403],
    purposes: ['log-in'],
    code: 'unauthenticated',
    problem: 'The store refuses the login.',
    remedy: ({ advice }) => advice ?? 'Check the setting auth.',
  },
  {
    status: [404, 405],
    purposes: ['log-in'],
    code: 'invalid-config',
    problem: ({ path }) => `There is no login at ${path}.`,
    remedy: 'Enable the auth method at the store, or check its mount in the setting auth.',
  },
  {
    status: [400, 403],
    purposes: ['unwrap'],
    code: 'unauthenticated',
    problem: 'The store does not know the wrapping token: it has expired, or has been unwrapped already.',
    remedy: ({ advice }) =>
      `Deliver a new one; each start of the process needs its own. If it was new and in time, somebody else has unwrapped it: revoke what was in it, and look into the audit log. ${advice ?? 'Check the setting auth.'}`,
  },
  {
    status: [401, 403],
    purposes: ['look-up-token'],
    code: 'unauthenticated',
    problem: 'The store does not know the token, or does not let it look itself up.',
    remedy: ({ advice }) =>
      `Give a token that is alive, with the default policy or read on auth/token/lookup-self. ${advice ?? ''}`.trim(),
  },
  {
    status: 400,
    purposes: ['renew-token', 'revoke-token'],
    code: 'unsupported',
    problem: 'The token cannot be renewed or revoked.',
    remedy: 'A new login takes its place before it ends.',
  },

  // Leases.
  {
    status: [400, 404],
    purposes: ['renew-lease'],
    says: /not renewable|cannot be renewed/,
    code: 'unsupported',
    problem: 'The lease cannot be renewed.',
    remedy: 'It is replaced before it ends instead.',
  },
  {
    status: [400, 404],
    purposes: ['revoke-lease'],
    says: /failed to revoke/,
    code: 'unavailable',
    problem: 'The store could not revoke the lease.',
    remedy: 'It is tried again; check that the store reaches the system that the lease is for.',
  },
  {
    status: [400, 404],
    purposes: LEASES,
    code: 'lease-lost',
    problem: 'The store no longer knows the lease: it has expired or was revoked.',
    remedy: 'A new one is fetched in its place.',
  },

  // Refusals.
  {
    status: 401,
    code: 'unauthenticated',
    problem: 'The store does not accept the token.',
    remedy: 'Check the setting auth.',
  },
  {
    status: 403,
    purposes: ['find-mount'],
    code: 'permission-denied',
    problem: ({ path }) => `The token may not use ${lookedUp(path)}, or nothing is mounted there.`,
    remedy: 'Check the path and the policy of the token, or say what is mounted there in the setting mounts.',
  },
  {
    status: 403,
    code: 'permission-denied',
    problem: ({ path }) => `The policy of the token does not allow ${path}.`,
    remedy: ({ capability, path }) => `Allow ${capability} on ${path} in the policy.`,
  },

  // Absences.
  {
    status: 404,
    also: (answer) => kvMetadata(answer)?.destroyed === true,
    code: 'not-found',
    problem: (_, answer) => `Version ${kvVersion(answer)} has been destroyed.`,
    remedy: 'Write a new version, or ask for another one with ?version=N.',
  },
  {
    status: 404,
    also: (answer) => textOf(kvMetadata(answer)?.deletion_time) !== undefined,
    code: 'not-found',
    problem: (_, answer) => `Version ${kvVersion(answer)} was deleted${deletedAt(answer)}.`,
    remedy: 'Undelete it, write a new version, or ask for another one with ?version=N.',
  },
  {
    status: 404,
    says: /versioned K\/V|root of a K\/V v2 mount/i,
    code: 'invalid-config',
    problem: ({ path }) => `What is mounted where ${path} leads is a KV engine of version 2.`,
    remedy: 'Say kv2 for it in the setting mounts, or leave it out there.',
  },
  {
    status: 404,
    says: /no handler for route/,
    code: 'not-found',
    problem: ({ path }) => `Nothing is mounted where ${path} leads.`,
    remedy: 'Check the first part of the path, and the setting namespace.',
  },
  {
    status: 404,
    code: 'not-found',
    problem: ({ path }) => `There is nothing at ${path}, or not in that version.`,
    remedy: 'Check the path and the version, or write the secret.',
  },
  {
    status: 405,
    code: 'unsupported',
    problem: ({ capability, path }) => `What is mounted there does not offer ${capability} on ${path}.`,
    remedy: 'Check the path; one that is read by a write needs an entry in the setting parameters.',
  },

  // What a transit engine was given to work on.
  {
    status: 400,
    purposes: ['transit'],
    says: /key not found/,
    code: 'not-found',
    problem: ({ path }) => `There is no key for ${path}.`,
    remedy: 'Check the setting key, or create it.',
  },
  {
    status: 400,
    purposes: ['transit'],
    says: /missing 'context'/,
    code: 'invalid-value',
    problem: 'The key is derived, and no context was given.',
    remedy: 'Give context; to decrypt and verify, the one that was given before.',
  },
  {
    status: 400,
    purposes: ['transit'],
    says: /version is disallowed by policy|version is too new|version for \w+ is/,
    code: 'invalid-value',
    problem: 'The key has no such version, or no longer allows it.',
    remedy:
      'Check min_decryption_version and min_encryption_version of the key; rewrap before they are raised.',
  },
  {
    status: 400,
    purposes: ['transit'],
    says: /not support|unsupported|invalid hash algorithm|non-AEAD/,
    code: 'unsupported',
    problem: 'A key of this type does not do that, or not by that algorithm.',
    remedy: 'Check the type of the key, and the algorithms that were asked for.',
  },
  {
    status: 400,
    purposes: ['transit'],
    code: 'invalid-value',
    problem: 'The store cannot work on what it was given.',
    remedy:
      'Check that it is of this key, whole, and given with the context and associatedData it was made with.',
  },
  {
    status: 400,
    purposes: READS,
    says: /unknown (role|key)|\b(role|key)\b.*(does not exist|not found)/,
    code: 'not-found',
    problem: ({ path }) => `There is no role or key of that name at ${path}.`,
    remedy: 'Check the last part of the path, or create the role.',
  },
  {
    status: 400,
    code: 'invalid-ref',
    problem: ({ path }) => `The store refuses the request for ${path} as malformed.`,
    remedy: 'Check the path and the version, and what the setting parameters has for it.',
  },
  {
    status: [300, 499],
    code: 'bad-response',
    problem: (_, { status }) => `The answer has status ${status}, which no store gives here.`,
    remedy: STAYS,
  },
];

/**
 * Whether a node refused because it has not reached the X-Vault-Index of the request: 412 at Vault; at OpenBao 429 with
 * an empty list of errors, where a quota would say which.
 */
export function isBehind(
  { status, body }: HttpAnswer,
  { namesIndex }: Pick<CallFacts, 'namesIndex'>,
): boolean {
  if (status === 412) return true;
  const errors = body.kind === 'json' ? body.content.errors : undefined;
  return status === 429 && namesIndex === true && Array.isArray(errors) && errors.length === 0;
}

/** Whether a server cannot read the X-Vault-Index of the request: what answered before was of another make. */
export function refusesIndex({ status, body }: HttpAnswer): boolean {
  return status === 400 && /X-Vault-Index/i.test(wordsOf(body));
}

function foreignProblem(_: CallFacts, { status, body }: HttpAnswer): string {
  const looks = body.kind === 'foreign' ? body.looks : 'no body';
  return `A proxy or another service answered, with status ${status} and ${looks}, not the store.`;
}

function lookedUp(path: string): string {
  return path.replace('sys/internal/ui/mounts/', '');
}

/** The metadata of a KV version: present in a 404 for one that was deleted. */
function kvMetadata({ body }: HttpAnswer): JsonObject | undefined {
  return body.kind === 'json' ? objectOf(objectOf(body.content.data)?.metadata) : undefined;
}

function kvVersion(answer: HttpAnswer): string {
  const version = jsonText(kvMetadata(answer)?.version);
  return /^\d{1,20}$/.test(version) ? version : 'asked for';
}

function deletedAt(answer: HttpAnswer): string {
  const time = textOf(kvMetadata(answer)?.deletion_time) ?? '';
  return /^[\dTZ:.+-]+$/.test(time) ? ` at ${time}` : '';
}
