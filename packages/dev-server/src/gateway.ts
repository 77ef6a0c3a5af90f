import { type Answer, errorAnswer } from './answer.js';
import { type ApiRequest, type ReadCall, readCall, tokenIdOf } from './call-reader.js';
import { bodyData } from './http/request-data.js';
import { isRelative, type RequestPath, readTarget } from './http/request-target.js';
import type { Mount } from './mounts.js';
import { UNLIMITED } from './rate-limits.js';
import { failed, oneError, permissionDenied, Refusal, refused } from './refusal.js';
import { createReplyAnswer } from './reply-answer.js';
import type { Route } from './routing/route.js';
import { createStatusEndpoints } from './status-endpoints.js';
import type { Store } from './store.js';
import type { Token } from './tokens.js';

/** Where the server stands in a cluster. `redirect`: the active node, to which a standby sends its callers. */
export interface Standing {
  standby: boolean;
  redirect?: string | undefined;
}

/** Answers requests. Never rejects: whatever goes wrong becomes an answer. */
export type Gateway = (request: ApiRequest) => Promise<Answer>;

/** `sys/` paths that exist only outside namespaces. */
const ROOT_ONLY = /^sys\/(raw|init|seal|step-down|unseal|health|rekey|storage|generate-root|metrics)(\/|$)/;

/** One request's way through the server: target, limits, seal, token, policy, engine, lease, wrapping. */
export function createGateway(store: Store, standing: Standing): Gateway {
  const statusEndpoints = createStatusEndpoints(store, () => standing.standby);
  const answerOf = createReplyAnswer(store);

  return async (request) => {
    const target = readTarget(request.target);
    switch (target.kind) {
      case 'malformed':
        return { status: 400, text: { type: 'text/plain; charset=utf-8', body: '400 Bad Request' } };
      case 'unprintable':
        return { status: 400 };
      case 'outside':
        return errorAnswer(404, []);
      case 'redirect':
        return redirect(request.method, target.location);
      case 'api':
        return belowV1(request, target.at).catch(refusalAnswer);
    }
  };

  async function belowV1(request: ApiRequest, { path, query }: RequestPath): Promise<Answer> {
    const { method, headers } = request;
    const namespace = (headers['x-vault-namespace'] ?? '').replace(/^\/+|\/+$/g, '');
    if (namespace !== '' && ROOT_ONLY.test(path)) throw refused('operation unavailable in namespaces');
    if (namespace !== '' && namespace !== 'root') throw refused('namespace not found', 404);

    const rate = store.seal.sealed ? UNLIMITED : store.rateLimits.take(path);
    if (!rate.allowed) {
      const answer = errorAnswer(429, [`request path "${path}": rate limit quota exceeded`]);
      return { ...answer, headers: rate.headers };
    }
    const status = statusEndpoints({
      method,
      path,
      query,
      data: () => bodyData(method, headers['content-type'] ?? '', request.body),
      tokenId: tokenIdOf(headers),
    });
    const answer = status ?? (await whenReady(request, { path, query }).catch(refusalAnswer));
    return { ...answer, headers: { ...rate.headers, ...answer.headers } };
  }

  async function whenReady(request: ApiRequest, at: RequestPath): Promise<Answer> {
    if (store.seal.sealed) throw refused('Vault is sealed', 503);
    if (standing.standby) {
      if (standing.redirect === undefined) throw refused('Vault is in standby mode', 500);
      return redirect(request.method, `${standing.redirect}${request.target}`);
    }
    const call = locate(readCall(request, at));
    const { mount, route } = call;
    if (route?.access === 'public') return answerPublic(call, mount as Mount, route);
    return answerAuthenticated(call);
  }

  /** A login, or an endpoint that looks at tokens itself. */
  async function answerPublic(call: LocatedCall, mount: Mount, route: Route): Promise<Answer> {
    if (isRelative(call.path)) throw refused('relative paths not supported');
    const caller = call.callerId === undefined ? undefined : store.tokens.find(call.callerId);
    const reply = await route.answer({ ...call, path: call.below, mount, ...(caller ? { caller } : {}) });
    return answerOf(reply, { call, mount, caller, dataOnTop: route.dataOnTop });
  }

  async function answerAuthenticated(call: LocatedCall): Promise<Answer> {
    const caller = call.callerId === undefined ? undefined : store.tokens.find(call.callerId);
    if (caller === undefined) throw permissionDenied();
    store.tokens.use(caller);
    try {
      checkPolicy(call, caller);
      const { mount, route } = call;
      if (mount === undefined) {
        throw refused(`no handler for route "${call.path}". route entry not found.`, 404);
      }
      if (isRelative(call.path)) throw refused('relative paths not supported');
      if (call.operation === 'write' && call.path.endsWith('/')) {
        throw refused("cannot write to a path ending in '/'");
      }
      if (route === undefined) throw failed('unsupported path', 404);
      const reply = await route.answer({ ...call, path: call.below, mount, caller });
      return answerOf(reply, { call, mount, caller, dataOnTop: route.dataOnTop });
    } catch (error) {
      if (!(error instanceof Refusal) || !error.fault) throw error;
      throw new Refusal(error.status, error.errors.map(oneError));
    } finally {
      if (caller.usesLeft === 0) store.tokens.revoke(caller);
    }
  }

  function locate(call: ReadCall): LocatedCall {
    const { path } = call;
    const mount = store.mounts.at(path) ?? store.mounts.at(`${path}/`);
    const below = mount === undefined ? path : path.slice(mount.path.length);
    for (const route of mount?.engine.routes ?? []) {
      const params = route.match(below);
      if (params !== undefined) return { ...call, mount, route, params, below };
    }
    return { ...call, mount, route: undefined, params: {}, below };
  }

  function checkPolicy({ operation, path, route, params }: LocatedCall, caller: Token): void {
    if (route?.access === 'token') return;
    const acl = store.policies.aclOf(caller);
    const needed =
      operation === 'write' ? (route?.exists?.(params) === false ? 'create' : 'update') : operation;
    const allowed = needed === 'header' ? acl.capabilities(path)[0] === 'root' : acl.allows(path, needed);
    if (!allowed || (route?.access === 'sudo' && !acl.allows(path, 'sudo'))) {
      throw failed('permission denied', 403);
    }
  }
}

/** A call and the endpoint that it goes to, if there is one. */
interface LocatedCall extends ReadCall {
  readonly mount: Mount | undefined;
  readonly route: Route | undefined;
  readonly params: Readonly<Record<string, string>>;
  /** The path below the mount. */
  readonly below: string;
}

/** Whatever else was thrown is a defect of this server; what it says stays inside. */
function refusalAnswer(error: unknown): Answer {
  return error instanceof Refusal
    ? errorAnswer(error.status, error.errors)
    : errorAnswer(500, ['internal error of the dev server']);
}

function redirect(method: string, location: string): Answer {
  const escaped = location.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  const body = `<a href="${escaped}">Temporary Redirect</a>.\n\n`;
  const page = method === 'GET' || method === 'HEAD';
  return {
    status: 307,
    headers: { location },
    ...(page ? { text: { type: 'text/html; charset=utf-8', body } } : {}),
  };
}
