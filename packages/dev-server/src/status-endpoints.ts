import type { Answer } from './answer.js';
import { errorAnswer } from './answer.js';
import type { RequestData } from './http/request-data.js';
import { uuid } from './identifiers.js';
import { SERVER_VERSION } from './server-version.js';
import type { Store } from './store.js';
import { isRoot } from './token-description.js';

/** A request to one of the endpoints that answer even while the server is sealed. */
export interface StatusRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly data: () => RequestData;
  readonly tokenId: string | undefined;
}

/** Answers `sys/health`, `sys/seal-status` and their like; `undefined` for every other path. */
export type StatusEndpoints = (request: StatusRequest) => Answer | undefined;

export function createStatusEndpoints(store: Store, isStandby: () => boolean): StatusEndpoints {
  const clusterId = uuid();
  const clusterName = `vault-cluster-${uuid().slice(0, 8)}`;
  const cluster = () => (store.seal.sealed ? {} : { cluster_name: clusterName, cluster_id: clusterId });

  const health = ({ query }: StatusRequest): Answer => {
    const state = store.seal.sealed ? 'sealed' : isStandby() ? 'standby' : 'active';
    const codes = {
      active: codeParameter(query, 'activecode', 200),
      standby: query.has('standbyok') ? 200 : codeParameter(query, 'standbycode', 429),
      sealed: codeParameter(query, 'sealedcode', 503),
      uninitialized: codeParameter(query, 'uninitcode', 501),
    };
    if (Object.values(codes).includes(Number.NaN)) return errorAnswer(400, []);
    const replication = store.seal.sealed ? 'unknown' : 'disabled';
    return {
      status: codes[state],
      json: {
        initialized: true,
        sealed: store.seal.sealed,
        standby: state !== 'active',
        replication_performance_mode: replication,
        replication_dr_mode: replication,
        server_time_utc: Math.floor(store.clock.wallMs() / 1000),
        version: SERVER_VERSION,
        ...cluster(),
      },
    };
  };

  const sealStatus = (): Answer => ({
    status: 200,
    json: {
      type: 'shamir',
      initialized: true,
      sealed: store.seal.sealed,
      t: 1,
      n: 1,
      progress: 0,
      nonce: '',
      recovery_seal: false,
      version: SERVER_VERSION,
      commit_date: '2026-10-26T20:32:27Z',
      migration: false,
      ...cluster(),
      storage_type: 'inmem',
    },
  });

  const seal = ({ tokenId }: StatusRequest): Answer => {
    if (store.seal.sealed) return { status: 204 };
    const caller = tokenId === undefined ? undefined : store.tokens.find(tokenId);
    const allowed =
      caller !== undefined &&
      (isRoot(caller) ||
        (store.policies.aclOf(caller).allows('sys/seal', 'sudo') &&
          store.policies.aclOf(caller).allows('sys/seal', 'update')));
    if (!allowed) return errorAnswer(403, ['permission denied']);
    store.seal.close();
    return { status: 204 };
  };

  const unseal = ({ data }: StatusRequest): Answer => {
    const { key, reset } = data();
    if (reset === true) {
      return store.seal.sealed ? sealStatus() : errorAnswer(400, ['vault is unsealed']);
    }
    if (typeof key !== 'string' || key === '') {
      return errorAnswer(400, ["'key' must be specified in request body as JSON, or 'reset' set to true"]);
    }
    const outcome = store.seal.sealed ? store.seal.openWith(key) : 'opened';
    if (outcome === 'unreadable') return errorAnswer(400, ["'key' must be a valid hex or base64 string"]);
    if (outcome === 'wrong') {
      return errorAnswer(400, [
        'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed',
      ]);
    }
    return sealStatus();
  };

  const endpoints: Readonly<Record<string, Readonly<Record<string, (request: StatusRequest) => Answer>>>> = {
    'sys/health': { GET: health, HEAD: health },
    'sys/seal-status': { GET: sealStatus },
    'sys/leader': { GET: () => ({ status: 200, json: { ha_enabled: isStandby() } }) },
    'sys/init': { GET: () => ({ status: 200, json: { initialized: true } }) },
    'sys/seal': { PUT: seal, POST: seal },
    'sys/unseal': { PUT: unseal, POST: unseal },
  };
  return (request) => {
    const methods = endpoints[request.path];
    if (methods === undefined) return undefined;
    return methods[request.method]?.(request) ?? errorAnswer(405, []);
  };
}

/** A status that the caller chose; NaN where it chose something else than a number. */
function codeParameter(query: URLSearchParams, name: string, fallback: number): number {
  const given = query.get(name) ?? String(fallback);
  return /^\d+$/.test(given) ? Number(given) : Number.NaN;
}
