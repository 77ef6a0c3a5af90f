export type { MariaDbLogin, MariaDbServer } from '../../scripts/servers/mariadb.mjs';
export { hasMariaDb, startMariaDb } from '../../scripts/servers/mariadb.mjs';
