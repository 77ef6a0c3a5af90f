import { parseArgs } from 'node:util';
import { setup } from './setup.mjs';

const USAGE = `npm run demo [-- --without-keyturn] [-- --serve]

  --without-keyturn   the same service on a plain pg.Pool, for contrast
  --serve             keep running until Ctrl-C or SIGTERM`;

const { values: flags } = parseArgs({
  options: {
    'without-keyturn': { type: 'boolean', default: false },
    serve: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  console.log(USAGE);
  process.exit();
}

const { dependencies, builds } = await setup();
if (!dependencies || !builds) process.exit(1);

// What is below needs what the setup has installed.
const { startPostgres } = await import('./servers/postgres.mjs');
const { configureDatabaseEngine } = await import('./servers/database-engine.mjs');
const { startFaultProxy } = await import('./servers/fault-proxy.mjs');
const { startStore } = await import('./demo/store.mjs');
const { startService } = await import('./demo/service.mjs');
const { startLoad } = await import('./demo/load.mjs');
const { createObserver } = await import('./demo/observer.mjs');
const { createScreen } = await import('./demo/screen.mjs');
const { LEASE, playScenario } = await import('./demo/scenario.mjs');
const { summarize } = await import('./demo/summary.mjs');

const withKeyturn = !flags['without-keyturn'];
const stops = [];
const stopAll = async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
};
/** What a first Ctrl-C or SIGTERM does: while serving, go on to the summary; before that, and the second time, stop. */
let interrupted = (exitCode) => void stopAll().finally(() => process.exit(exitCode));
process.on('SIGINT', () => interrupted(130));
process.on('SIGTERM', () => interrupted(143));
process.stdout.once('error', () => interrupted(1));
process.once('uncaughtException', (error) => {
  console.error(`demo: ${error.message}`);
  interrupted(1);
});

const postgres = await startPostgres({ database: 'orders' });
stops.push(postgres.stop);
const store = await startStore();
stops.push(store.stop);
const proxy = await startFaultProxy({ address: store.address });
stops.push(proxy.stop);
const engine = await configureDatabaseEngine({ address: store.address, token: store.rootToken }, postgres);
await engine.addDynamicRole('orders', LEASE);
await postgres.query("insert into orders (item, quantity) select 'key', n from generate_series(1, 50) n");

console.log(`Store: ${store.name}. Database: PostgreSQL. Leases: ${LEASE.ttl}, at most ${LEASE.maxTtl}.`);
console.log(
  withKeyturn
    ? 'Service: examples/express-pg/server.js, at most 10 connections.\n'
    : 'Service: examples/express-pg/without-keyturn.js: a plain pg.Pool with the password read at start-up.\n',
);

const screen = createScreen();
const service = await startService(
  withKeyturn ? 'server.js' : 'without-keyturn.js',
  {
    VAULT_ADDR: proxy.address,
    VAULT_ROLE_ID: engine.approle.roleId,
    VAULT_SECRET_ID: engine.approle.secretId,
    PGHOST: postgres.host,
    PGPORT: String(postgres.port),
    PGDATABASE: postgres.database,
  },
  (line) => screen.event(`   ${line}`),
);
stops.push(async () => {
  service.signal('SIGTERM');
  await service.exited;
});

const observer = createObserver(postgres);
const load = startLoad({ port: service.port });
stops.push(load.stop);
let watching = true;
const watched = watch();
await playScenario(screen, {
  canRotate: withKeyturn,
  rotate: () => service.signal('SIGHUP'),
  revokeAll: () => engine.revokeAll('database/creds/orders'),
  store: proxy,
});
if (flags.serve) {
  screen.event(`── serving on http://127.0.0.1:${service.port}/orders/1 and /status until Ctrl-C`);
  const stop = interrupted;
  await new Promise((resolve) => {
    interrupted = resolve;
  });
  interrupted = stop;
}
watching = false;
await watched;
await load.stop();
service.signal('SIGTERM');
const exitCode = await service.exited;
const passed = await summarize(screen, { load, observer, exitCode, withKeyturn });
await stopAll();
process.exit(passed ? 0 : 1);

/** Shows twice a second how things stand. */
async function watch() {
  while (watching) {
    const [status, connections] = await Promise.all([service.status(), observer.connections()]);
    const { count, p50Ms, p99Ms } = load.takeLatencies();
    const { served, failed } = load.figures;
    const credential = status?.secrets.find(({ ref }) => ref.startsWith('vault:database/'));
    const provider = status?.health.providers[0];
    screen.show([
      ['requests', `${served} served, ${failed} failed`],
      ['latency', `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms (${count} since the last line)`],
      ['generation', credential === undefined ? 'not known' : `${credential.version} (${credential.state})`],
      [
        'lease left',
        credential?.lease ? `${(credential.lease.remainingMs / 1_000).toFixed(1)} s` : 'not known',
      ],
      ['connections', connections],
      ['breaker', provider?.breaker ?? 'none'],
    ]);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
