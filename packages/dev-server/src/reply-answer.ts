import { type Answer, envelope, enveloped } from './answer.js';
import { tokenPolicies } from './auth/token-terms.js';
import type { ReadCall } from './call-reader.js';
import { grantTtl } from './lease-ttl.js';
import type { Mount } from './mounts.js';
import { refused } from './refusal.js';
import type { LeaseGrant, LoginGrant, Reply } from './reply.js';
import type { Store } from './store.js';
import { authBlock } from './token-description.js';
import type { Token } from './tokens.js';

/** Whose reply it is. */
export interface ReplyContext {
  readonly call: ReadCall;
  readonly mount: Mount;
  readonly caller: Token | undefined;
  /** Whether the endpoint repeats its data beside the envelope. */
  readonly dataOnTop: boolean;
}

/** Makes an answer of what an engine said: a lease for a credential, a token for a login, a wrapping if asked. */
export type ReplyAnswer = (reply: Reply | undefined, context: ReplyContext) => Answer;

export function createReplyAnswer(store: Store): ReplyAnswer {
  return (reply, { call, mount, caller, dataOnTop }) => {
    if (reply === undefined) return { status: 204 };
    if (reply.verbatim !== undefined) return reply.verbatim;
    if (reply.empty) return { status: reply.status ?? 200 };

    const login = reply.login === undefined ? undefined : loggedIn(reply.login, call.path, mount);
    const lease = reply.lease === undefined ? undefined : leased(reply.lease, call.path, mount, caller);
    const warnings = [...(reply.warnings ?? []), ...(login?.warnings ?? [])];
    const body = envelope({
      data: reply.data ?? null,
      auth: login === undefined ? (reply.auth ?? null) : authBlock(login.token),
      wrap_info: reply.wrapInfo ?? null,
      warnings: warnings.length === 0 ? null : warnings,
      ...leaseFields(reply, lease),
    });
    const status = reply.status ?? 200;
    const onTop = dataOnTop ? (reply.data ?? {}) : {};
    const answer = enveloped(status, body, onTop);
    if (call.wrapTtlSeconds === undefined) return answer;
    const accessor = login?.token.accessor ?? reply.accessor;
    const wrapInfo = store.wrapping.wrap({
      answer,
      creationPath: call.path,
      ttlSeconds: call.wrapTtlSeconds,
      ...(accessor ? { accessor } : {}),
    });
    return enveloped(200, envelope({ wrap_info: wrapInfo }));
  };

  function loggedIn(grant: LoginGrant, path: string, mount: Mount) {
    const terms = grant.terms();
    const { ttlSeconds, warnings } = grantTtl({
      defaultSeconds: terms.ttlSeconds,
      maxSeconds: terms.maxTtlSeconds,
      periodSeconds: terms.periodSeconds,
      explicitMaxSeconds: terms.explicitMaxTtlSeconds,
      mountDefaultSeconds: mount.config.defaultLeaseTtlSeconds,
      mountMaxSeconds: mount.config.maxLeaseTtlSeconds,
      nowMs: store.clock.wallMs(),
    });
    const source = mount.path.slice('auth/'.length, -1).replaceAll('/', '-');
    const token = store.tokens.issue({
      type: terms.type,
      path,
      policies: tokenPolicies(terms.policies, !terms.noDefaultPolicy),
      displayName: grant.displayName === '' ? source : `${source}-${grant.displayName}`,
      mount,
      metadata: grant.metadata,
      entityId: store.entities.idOf(mount.accessor, grant.alias),
      numUses: terms.numUses,
      ttlSeconds,
      explicitMaxTtlSeconds: terms.explicitMaxTtlSeconds,
      periodSeconds: terms.periodSeconds,
      terms: () => {
        const now = grant.terms();
        return {
          defaultSeconds: now.ttlSeconds,
          maxSeconds: now.maxTtlSeconds,
          periodSeconds: now.periodSeconds,
        };
      },
    });
    return { token, warnings };
  }

  /** Registers a credential. One that a batch token asked for ends with that token, and dies with its parent. */
  function leased(grant: LeaseGrant, path: string, mount: Mount, caller: Token | undefined) {
    const nowMs = store.clock.wallMs();
    const batch = caller?.definition.type === 'batch';
    const endMs = nowMs + grant.ttlSeconds * 1000;
    const expireMs = batch ? Math.min(endMs, caller.expireMs ?? endMs) : endMs;
    const owner = (batch ? caller.parent : caller) ?? caller;
    const lease = store.leases.issue(path, expireMs, mount, owner?.id ?? '', grant);
    const spent = caller?.usesLeft === 0;
    if (spent || (caller !== undefined && store.tokens.find(caller.id) === undefined)) {
      store.leases.expire(lease);
      throw refused(
        spent
          ? 'Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.'
          : 'permission denied',
        spent ? 400 : 403,
      );
    }
    return { id: lease.id, ttlSeconds: Math.round((expireMs - nowMs) / 1000) };
  }
}

/** Of a new lease, a renewed one, or the mere hint that KV version 1 gives. */
function leaseFields(reply: Reply, issued: { readonly id: string; readonly ttlSeconds: number } | undefined) {
  const lease = issued ?? reply.renewed;
  if (lease === undefined) return { lease_duration: Math.trunc(reply.hintSeconds ?? 0) };
  return { lease_id: lease.id, renewable: true, lease_duration: Math.trunc(lease.ttlSeconds) };
}
