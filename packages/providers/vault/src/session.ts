import {
  isSecretsError,
  jsonNumber,
  type Lease,
  SecretsError,
  type SessionContract,
  type SessionGrant,
} from '@keyturn/core/provider';
import { durationMs } from './answer.js';
import type { Auth } from './auth/auth.js';
import type { VaultClient } from './client.js';
import { type JsonObject, textOf } from './json-object.js';
import { increment } from './leases.js';
import { NamespaceCheck } from './namespace-check.js';
import { SessionToken } from './session-token.js';

/** How to log in to the store, keep the token, and give it back. */
export function vaultSession(
  client: VaultClient,
  auth: Auth,
  namespace: string | undefined,
): SessionContract {
  const namespaceCheck = new NamespaceCheck(client, namespace);

  const isAlive = async (credential: unknown, signal: AbortSignal): Promise<boolean> => {
    try {
      await lookUp(client, SessionToken.textOf(credential), signal);
      return true;
    } catch (error) {
      if (isSecretsError(error) && error.code === 'unauthenticated') return false;
      throw error;
    }
  };

  return {
    async login({ signal }) {
      await namespaceCheck.pass(signal);
      const login = await auth.read(signal);
      if ('token' in login) return grantOfToken(login.token, await lookUp(client, login.token, signal));
      const { path, body } = login;
      const answer = await client.call({ purpose: 'log-in', path, body, signal, advice: auth.advice });
      return grantOfLogin(answer.auth, auth);
    },

    async renew(credential, { signal, ttlMs }) {
      const token = SessionToken.textOf(credential);
      const body = { increment: increment(ttlMs) };
      try {
        const answer = await client.call({
          purpose: 'renew-token',
          path: 'auth/token/renew-self',
          body,
          token,
          signal,
        });
        return renewedLease(answer.auth);
      } catch (error) {
        // A dead token and a policy without renew-self are both denied; only the first takes its leases along.
        const isDenied = isSecretsError(error) && error.code === 'permission-denied';
        if (!isDenied || (await isAlive(credential, signal))) throw error;
        throw new SecretsError('unauthenticated', {
          status: 403,
          problem: 'The store no longer knows the token: it has expired or was revoked.',
          remedy: 'A new login takes its place.',
        });
      }
    },

    async revoke(credential, { signal }) {
      const token = SessionToken.textOf(credential);
      try {
        await client.call({
          purpose: 'revoke-token',
          path: 'auth/token/revoke-self',
          body: {},
          token,
          signal,
        });
      } catch (error) {
        // A token that is gone is denied, and one that cannot be revoked (a batch token) ends by itself.
        if (!isSecretsError(error) || (error.code !== 'permission-denied' && error.code !== 'unsupported')) {
          throw error;
        }
      }
    },

    isAlive: (credential, { signal }) => isAlive(credential, signal),
  };
}

async function lookUp(client: VaultClient, token: string, signal: AbortSignal): Promise<JsonObject> {
  const { data } = await client.call({
    purpose: 'look-up-token',
    path: 'auth/token/lookup-self',
    token,
    signal,
  });
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
