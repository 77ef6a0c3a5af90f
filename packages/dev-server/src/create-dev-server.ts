import { inspect } from 'node:util';
import { SecretsError, systemClock } from '@keyturn/core/provider';
import type { Answer } from './answer.js';
import { configurationOf, type DevServerOptions, invalid } from './configuration.js';
import { configureDatabases } from './database-setup.js';
import type { AdminAnswer, DevServer } from './dev-server.js';
import { createFaults } from './faults.js';
import { createGateway, type Gateway, type Standing } from './gateway.js';
import { createHttpDoor } from './http/http-door.js';
import { serviceTokenId } from './identifiers.js';
import { createRequestLog } from './request-log.js';
import { createStore } from './store.js';

/** What revoking leases at the end may take, in milliseconds. */
const CLOSE_DEADLINE_MS = 5_000;

const NO_ANSWER: AdminAnswer = { data: null, auth: null, lease_id: '', lease_duration: 0, warnings: null };

/**
 * Creates a secret store that speaks Vault's HTTP API inside this process. Nothing listens before `start()`.
 *
 * It answers as OpenBao does, keeps everything in memory, listens on the loopback only, and never holds the process
 * by a timer. It is for demos and tests: it encrypts nothing.
 *
 * @throws SecretsError `invalid-config`
 */
export function createDevServer(options: DevServerOptions = {}): DevServer {
  const { clock, port, tls, databases, ...configuration } = configurationOf(options);
  const rootToken = configuration.rootToken ?? serviceTokenId();
  const store = createStore(clock, rootToken);
  const standing: Standing = { standby: false };
  const inFlight = new Set<Promise<unknown>>();
  const gateway = tracked(createGateway(store, standing), inFlight);
  const faults = createFaults();
  const log = createRequestLog();
  const door = createHttpDoor({ gateway, faults, log, clock, ...(tls === undefined ? {} : { tls }) });

  let state: 'new' | 'open' | 'refusing' | 'closed' = 'new';
  let boundPort = port;
  let address: string | undefined;
  let starting: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const open = async () => {
    boundPort = await door.open(boundPort).catch((error) => {
      throw invalid('port', 'cannot be listened on.', 'Leave port out, or free it.', error);
    });
    address = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${boundPort}`;
    state = 'open';
  };

  const admin: DevServer['admin'] = async (method, path, body) => {
    const answer = await gateway({
      method,
      target: `/v1/${path}`,
      headers: { 'x-vault-token': rootToken, 'content-type': 'application/json' },
      body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    });
    if (answer.status >= 400) throw refusedSetup(method, path, answer);
    return { ...NO_ANSWER, ...(answer.json as Partial<AdminAnswer> | undefined) };
  };

  const startUp = async () => {
    await configureDatabases(databases, admin);
    await open();
  };

  const shutDown = async (revokeLeases: boolean) => {
    await door.shut();
    if (revokeLeases) {
      // The host's own time: an injected clock that stands still would never end the wait for a database.
      const deadline = new AbortController();
      const expired = systemClock.sleep(CLOSE_DEADLINE_MS, { signal: deadline.signal }).catch(() => {});
      await Promise.race([revokeAll(), expired]);
      deadline.abort();
    }
    store.close();
  };

  const revokeAll = async () => {
    await Promise.allSettled(inFlight);
    store.seal.open();
    for (const lease of store.leases.under('')) store.leases.expire(lease);
    await store.background.settled();
  };

  const server: DevServer = {
    get address() {
      if (address === undefined) {
        throw new SecretsError('invalid-config', {
          problem: 'The dev server has no address yet.',
          remedy: 'Await start() before reading address.',
          provider: 'dev-server',
        });
      }
      return address;
    },
    rootToken,
    unsealKey: store.seal.key,
    get sealed() {
      return store.seal.sealed;
    },
    async start() {
      if (state === 'closed') {
        throw new SecretsError('closed', {
          problem: 'The dev server is closed.',
          remedy: 'Create another with createDevServer().',
          provider: 'dev-server',
        });
      }
      starting ??= startUp();
      await starting.catch((error) => {
        starting = undefined;
        throw error;
      });
      return server;
    },
    close({ revokeLeases = true } = {}) {
      state = 'closed';
      closing ??= shutDown(revokeLeases);
      return closing;
    },
    admin,
    seal: () => store.seal.close(),
    unseal: () => store.seal.open(),
    standby(now) {
      standing.standby = now !== false;
      standing.redirect = typeof now === 'object' ? now.redirect : undefined;
    },
    inject: (fault) => faults.inject(fault),
    async refuseConnections() {
      if (state !== 'open') return;
      state = 'refusing';
      await door.shut();
    },
    async acceptConnections() {
      if (state === 'refusing') await open();
    },
    async recover() {
      faults.clear();
      standing.standby = false;
      store.seal.open();
      await server.acceptConnections();
    },
    async rotateNow(path) {
      const match = /^(.+)\/static-(?:creds|roles)\/([^/]+)$/.exec(path);
      if (match === null) {
        throw invalid('rotateNow', 'got a path of no static role.', "Give 'database/static-creds/NAME'.");
      }
      await admin('POST', `${match[1]}/rotate-role/${match[2]}`);
    },
    async revokeLeases(prefix) {
      const lease = store.leases.find(prefix);
      const found = lease === undefined ? store.leases.under(prefix) : [lease];
      for (const each of found) store.leases.expire(each);
      await store.background.settled();
    },
    leases: (prefix = '') =>
      store.leases.under(prefix).map(({ id, path, expireMs }) => ({ id, path, expiresAtMs: expireMs })),
    settled: () => store.background.settled(),
    requests: (filter) => log.matching(filter),
    clearRequests: () => log.clear(),
  };
  return withoutSecretsInPrint(server, () => ({
    address,
    sealed: store.seal.sealed,
    leases: store.leases.under('').length,
  }));
}

/** Keeps count of the requests that are being answered, so that none leaves a database role behind at the end. */
function tracked(gateway: Gateway, inFlight: Set<Promise<unknown>>): Gateway {
  return (request) => {
    const answer = gateway(request).finally(() => inFlight.delete(answer));
    inFlight.add(answer);
    return answer;
  };
}

/** Hides the tokens from loops over the object's keys, and prints `shown` in place of it. */
function withoutSecretsInPrint(server: DevServer, shown: () => object): DevServer {
  for (const name of ['rootToken', 'unsealKey'] as const)
    Object.defineProperty(server, name, { enumerable: false });
  Object.defineProperty(server, inspect.custom, {
    value: (_depth: number, options: object) => `DevServer ${inspect(shown(), options)}`,
  });
  Object.defineProperty(server, 'toJSON', { value: shown });
  return server;
}

function refusedSetup(method: string, path: string, { status, json }: Answer): SecretsError {
  const errors = (json as { errors?: readonly string[] } | undefined)?.errors ?? [];
  return new SecretsError('invalid-config', {
    problem: `The dev server answered ${method} ${path} with ${status}: ${errors.join('; ') || 'nothing there'}.`,
    remedy: 'Look at the path and the body of this call.',
    provider: 'dev-server',
    status,
  });
}
