export type { PostgresOptions, PostgresServer } from '../../scripts/servers/postgres.mjs';
export { hasPostgres, startPostgres } from '../../scripts/servers/postgres.mjs';
