import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';
import { prepareDatabase } from './role-source.js';
import { checkout } from './scenarios/checkout.js';
import { failure } from './scenarios/failure.js';
import { lifetime } from './scenarios/lifetime.js';
import { query } from './scenarios/query.js';
import { Stage } from './stage.js';

const SCENARIOS = { checkout, query, lifetime, failure };

describe.skipIf(!requireServer('postgres'))('the same body sees the same with pg.Pool and with ours', () => {
  const login = { user: 'app_static', password: 'the-same-for-both' };
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await prepareDatabase(server);
    await server.query(`ALTER ROLE app_static PASSWORD ${pg.escapeLiteral(login.password)}`);
  });
  afterAll(() => server.stop());

  describe.each(Object.entries(SCENARIOS))('%s', (_, scenarios) => {
    it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
      '%s',
      async (_name, scenario) => {
        const [stock, ours] = [new Stage(server, login, false), new Stage(server, login, true)];
        for (const stage of [stock, ours]) {
          try {
            await scenario.run(stage);
            await stage.settled();
          } finally {
            await stage.close();
          }
        }
        expect(stock.seen.length).toBeGreaterThan(0);
        expect(ours.seen).toEqual(stock.seen);
      },
    );
  });
});
