import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createDevServer, type DevServer } from '@keyturn/dev-server';
import { assertNoLeak } from '@keyturn/redact';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/servers/postgres.js';
import { requireServer } from '../../../../test/servers/require-server.js';

describe.skipIf(!requireServer('postgres'))('an application with decorators, ended by SIGTERM', () => {
  const children: ChildProcess[] = [];
  let postgres: PostgresServer;
  let server: DevServer;
  beforeAll(async () => {
    postgres = await startPostgres();
    server = await createDevServer({
      databases: {
        main: {
          connectionUrl: `postgresql://{{username}}:{{password}}@${postgres.host}:${postgres.port}/${postgres.database}`,
          username: postgres.superuser,
          password: postgres.password,
          roles: {
            orders: {
              creationStatements: [
                `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`,
              ],
              defaultTtl: '1h',
              maxTtl: '24h',
            },
          },
        },
      },
    }).start();
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await server?.close();
    await postgres?.stop();
  });

  test.each([
    ['by the signal', { code: null, signal: 'SIGTERM' }],
    ['by exit', { code: 0, signal: null }],
  ])('F48: its lease is revoked, and it ends %s', async (exit, end) => {
    const app = start(exit);
    await expect.poll(() => app.output()).toContain('listens at');
    const url = /listens at (\S+)/.exec(app.output())?.[1];
    const leased = server.leases('database/creds/orders');
    expect(leased).toHaveLength(1);

    expect(await (await fetch(`${url}/user`)).json()).toEqual({
      username: expect.stringContaining('orders'),
      leaked: '[REDACTED]',
    });
    expect(await (await fetch(`${url}/rotate`, { method: 'POST' })).json()).toEqual({ rotated: true });
    expect((await fetch(`${url}/broken`)).status).toBe(500);
    await expect.poll(() => server.leases('database/creds/orders')).toHaveLength(1);
    expect(server.leases('database/creds/orders')).not.toEqual(leased);

    app.child.kill('SIGTERM');
    const [code, signal] = await once(app.child, 'close');
    expect({ code, signal }, app.output()).toEqual(end);
    expect(server.leases('database/creds/orders')).toEqual([]);
    expect(app.output()).toContain('cannot log in with [REDACTED]');
    assertNoLeak(app.output(), [server.rootToken]);
  });

  function start(exit: string): { child: ChildProcess; output: () => string } {
    const root = fileURLToPath(new URL('../../../../', import.meta.url));
    const folder = fileURLToPath(new URL('../test-app/', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', `${folder}orders.ts`], {
      cwd: root,
      env: {
        ...process.env,
        TSX_TSCONFIG_PATH: `${folder}tsconfig.json`,
        VAULT_ADDR: server.address,
        VAULT_TOKEN: server.rootToken,
        EXIT: exit,
      },
    });
    children.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    return { child, output: () => output };
  }
});
