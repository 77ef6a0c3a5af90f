import {
  isSecretsError,
  jsonNumber,
  type Lease,
  SecretsError,
  type SessionContract,
  type SessionGrant,
  type SessionOptions,
} from '@keyturn/core/provider';
import { durationMs } from './answer.js';
import type { Auth } from './auth/auth.js';
import type { Caller, VaultClient } from './client.js';
import { type JsonObject, textOf } from './json-object.js';
import { increment } from './leases.js';
import type { NamespaceCheck } from './namespace-check.js';
import { callerOf, SessionToken } from './session-token.js';
import { unwrap } from './unwrap.js';

/** How to log in to the store, keep the token, and give it back. */
export function vaultSession(
  client: VaultClient,
  auth: Auth,
  namespaceCheck: NamespaceCheck,
): SessionContract {
  /** False also where another login is there to be taken: a token with less rights may have been replaced on disk. */
  const isAlive = async (session: unknown, options: SessionOptions): Promise<boolean> => {
    if (await auth.hasChanged?.(options.signal)) return false;
    try {
      await lookUp(client, callerOf({ ...options, session }));
      return true;
    } catch (error) {
      if (isSecretsError(error) && error.code === 'unauthenticated') return false;
      throw error;
    }
  };

  return {
    async login(options) {
      const { signal, clock, address } = options;
      await namespaceCheck.pass({ signal, address });
      const login = await auth.read({
        signal,
        clock,
        unwrap: (wrapped) => unwrap(client, wrapped, options),
      });
      if ('token' in login) {
        const { token } = login;
        return grantOfToken(token, await lookUp(client, { token, signal, address }, auth.advice));
      }
      const call = { purpose: 'log-in', ...login, signal, address, advice: auth.advice } as const;
      const answer = await client.call(call);
      return grantOfLogin(answer.auth, auth);
    },

    async renew(session, options) {
      const body = { increment: increment(options.ttlMs) };
      try {
        const answer = await client.call({
          purpose: 'renew-token',
          path: 'auth/token/renew-self',
          body,
          ...callerOf({ ...options, session }),
        });
        return renewedLease(answer.auth);
      } catch (error) {
        // A dead token and a policy without renew-self are both denied; only the first takes its leases along.
        const isDenied = isSecretsError(error) && error.code === 'permission-denied';
        if (!isDenied || (await isAlive(session, options))) throw error;
        throw new SecretsError('unauthenticated', {
          status: 403,
          problem: 'The store no longer knows the token: it has expired or was revoked.',
          remedy: 'A new login takes its place.',
        });
      }
    },

    async revoke(session, options) {
      try {
        await client.call({
          purpose: 'revoke-token',
          path: 'auth/token/revoke-self',
          body: {},
          ...callerOf({ ...options, session }),
        });
      } catch (error) {
        // A token that is gone is denied, and one that cannot be revoked (a batch token) ends by itself.
        if (!isSecretsError(error) || (error.code !== 'permission-denied' && error.code !== 'unsupported')) {
          throw error;
        }
      }
    },

    isAlive,
  };
}

async function lookUp(client: VaultClient, caller: Caller, advice?: string): Promise<JsonObject> {
  const call = { purpose: 'look-up-token', path: 'auth/token/lookup-self', ...caller } as const;
  const { data } = await client.call(advice === undefined ? call : { ...call, advice });
  if (data === undefined) throw malformed('look-up of the token');
  return data;
}

/** A token that was given to us: not ours to revoke. */
function grantOfToken(token: string, facts: JsonObject): SessionGrant {
  const lease = tokenLease(facts, facts.ttl, facts.type);
  return { credential: new SessionToken(token), ...(lease === undefined ? {} : { lease }), revocable: false };
}

function grantOfLogin(facts: JsonObject | undefined, auth: Auth): SessionGrant {
  const token = textOf(facts?.client_token);
  if (facts === undefined || token === undefined) {
    if (facts?.mfa_requirement) {
      throw new SecretsError('unauthenticated', {
        problem: 'The login asks for a second factor, which a service cannot give.',
        remedy: `Exempt the role in auth: ${auth.method} from login MFA.`,
      });
    }
    throw malformed('login');
  }
  const lease = tokenLease(facts, facts.lease_duration, facts.token_type);
  return {
    credential: new SessionToken(token),
    ...(lease === undefined ? {} : { lease }),
    revocable: facts.token_type !== 'batch',
  };
}

function renewedLease(facts: JsonObject | undefined): Lease {
  const lease = facts && tokenLease(facts, facts.lease_duration, facts.token_type);
  if (lease === undefined) throw malformed('renewal of the token');
  return lease;
}

/**
 * How long a token lasts, or undefined when it does not end (ttl 0: root). Batch tokens cannot be renewed, and
 * one of limited uses is not: each renewal would use it up.
 */
function tokenLease(facts: JsonObject, ttl: unknown, type: unknown): Lease | undefined {
  const ttlMs = durationMs(ttl) ?? 0;
  if (ttlMs <= 0) return undefined;
  const isLimited = (jsonNumber(facts.num_uses) ?? 0) !== 0;
  return {
    ttlMs,
    handle: { id: 'self', renewable: facts.renewable === true && type !== 'batch' && !isLimited },
  };
}

function malformed(what: string): SecretsError {
  return new SecretsError('bad-response', {
    problem: `The answer to the ${what} holds no token’s facts.`,
    remedy: 'Check what answers at address.',
  });
}
