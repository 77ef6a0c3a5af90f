import { Socket } from 'node:net';
import type pg from 'pg';
import type { PostgresServer } from '../../../../test/servers/postgres.js';

/** Counts the connections of a pool exactly, at its own sockets: open from `connect` to `close`. */
export class Gauge {
  open = 0;
  opened = 0;
  peak = 0;
  /** The fewest that were open since `watchFloor` was called. */
  floor = 0;

  /** The `stream` option of the pool. */
  readonly stream = (): Socket => {
    const socket = new Socket();
    socket.once('connect', () => {
      this.open++;
      this.opened++;
      this.peak = Math.max(this.peak, this.open);
      socket.once('close', () => {
        this.open--;
        this.floor = Math.min(this.floor, this.open);
      });
    });
    return socket;
  };

  watchFloor(): void {
    this.floor = this.open;
  }
}

/** Samples how many connections of others than the superuser a server sees, until it is stopped. */
export function sampleServer(server: PostgresServer): { stop(): Promise<number> } {
  let peak = 0;
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      const [row] = await server.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM $1 AND application_name = 'app'`,
        [server.superuser],
      );
      peak = Math.max(peak, row.n);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return peak;
  })();
  return {
    stop() {
      isOver = true;
      return sampling;
    },
  };
}

/** The options of a pool under test. */
export function poolOptions(server: PostgresServer, gauge: Gauge, more: object = {}): pg.PoolConfig {
  const { host, port, database } = server;
  return { host, port, database, max: 10, application_name: 'app', stream: gauge.stream, ...more } as object;
}
