import type { Client } from 'pg';
import { databasePassword } from '../../identifiers.js';
import { messageOf } from '../../refusal.js';
import { sqlTimestamp } from '../../time/rfc3339.js';
import { sqlCommands, sqlIdentifier } from './statements.js';

/** How long a connection attempt may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_EXPIRATION = [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`];
const DEFAULT_PASSWORD = [`ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'`];

/** Where the engine connects as the owner of its roles. */
export interface DatabaseLogin {
  /** `postgresql://{{username}}:{{password}}@host:port/database?sslmode=…` */
  readonly connectionUrl: string;
  readonly username: string;
  readonly password: string;
}

/** A failure of the database, in the words that the server would pass on; never with a password in it. */
export class DatabaseError extends Error {}

/** Checks that the login works. @throws DatabaseError */
export async function verifyConnection(login: DatabaseLogin): Promise<void> {
  await connected(login, async (client) => {
    await client.query('select 1');
  });
}

/** Creates a role and gives its password. @throws DatabaseError, StatementError */
export async function createRole(
  login: DatabaseLogin,
  statements: readonly string[],
  username: string,
  expirationMs: number,
): Promise<string> {
  const password = databasePassword();
  await transaction(login, statements, {
    name: username,
    username,
    password,
    expiration: sqlTimestamp(expirationMs),
  });
  return password;
}

/** Moves a role's end. @throws DatabaseError */
export async function extendRole(
  login: DatabaseLogin,
  statements: readonly string[],
  username: string,
  expirationMs: number,
): Promise<void> {
  await transaction(login, statements.length === 0 ? DEFAULT_EXPIRATION : statements, {
    name: username,
    username,
    expiration: sqlTimestamp(expirationMs),
  });
}

/** Gives a role a new password. @throws DatabaseError */
export async function changePassword(
  login: DatabaseLogin,
  statements: readonly string[],
  username: string,
): Promise<string> {
  const password = databasePassword();
  await transaction(login, statements.length === 0 ? DEFAULT_PASSWORD : statements, {
    name: username,
    username,
    password,
  });
  return password;
}

/**
 * Removes a role: by its own statements, or else by taking every privilege from it and dropping it.
 *
 * Live sessions of the role go on without privileges; PostgreSQL does not end them.
 *
 * @throws DatabaseError
 */
export async function dropRole(
  login: DatabaseLogin,
  statements: readonly string[],
  username: string,
): Promise<void> {
  if (statements.length > 0) return transaction(login, statements, { name: username, username });
  await connected(login, async (client) => {
    const known = await client.query('select 1 from pg_roles where rolname = $1', [username]);
    if (known.rowCount === 0) return;
    const role = sqlIdentifier(username);
    const schemas = await client.query<{ table_schema: string }>(
      'select distinct table_schema from information_schema.role_column_grants where grantee = $1',
      [username],
    );
    const database = await client.query<{ name: string }>('select current_database() as name');
    const commands = [
      ...['public', ...schemas.rows.map((row) => row.table_schema)]
        .map(sqlIdentifier)
        .flatMap((schema) => [
          `revoke all privileges on all tables in schema ${schema} from ${role}`,
          `revoke all privileges on all sequences in schema ${schema} from ${role}`,
          `revoke usage on schema ${schema} from ${role}`,
        ]),
      `revoke connect on database ${sqlIdentifier(database.rows[0]?.name ?? '')} from ${role}`,
      `drop role if exists ${role}`,
    ];
    for (const command of commands) await client.query(command);
  });
}

async function transaction(
  login: DatabaseLogin,
  statements: readonly string[],
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const commands = sqlCommands(statements, values);
  await connected(
    login,
    async (client) => {
      await client.query('begin');
      for (const command of commands) await client.query(command);
      await client.query('commit');
    },
    values.password,
  );
}

/**
 * Runs `work` on a connection of its own. A store for tests makes a handful of roles, so none is kept open: nothing
 * idle holds the process or the database.
 */
async function connected(
  login: DatabaseLogin,
  work: (client: Client) => Promise<void>,
  secret = '',
): Promise<void> {
  const client = await newClient(login);
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw new DatabaseError(withoutSecrets(connectFailure(error, client), [login.password]));
  }
  try {
    await work(client);
  } catch (error) {
    throw new DatabaseError(withoutSecrets(sqlFailure(error), [login.password, secret]));
  } finally {
    await client.end().catch(() => {});
  }
}

/** `pg` is loaded when the first database is used; a store without one never needs it. */
async function newClient(login: DatabaseLogin): Promise<Client> {
  const pg = await import('pg').catch(() => {
    throw new DatabaseError('the database engine needs the package "pg": npm install pg');
  });
  const { Client: PgClient } = pg.default ?? pg;
  const connectionString = login.connectionUrl
    .replaceAll('{{username}}', encodeURIComponent(login.username))
    .replaceAll('{{password}}', encodeURIComponent(login.password));
  return new PgClient({ connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
}

function connectFailure(error: unknown, client: Client): string {
  const place = `${client.host}:${client.port}`;
  const reason = codeOf(error)?.startsWith('28')
    ? `failed SASL auth: ${sqlFailure(error)}`
    : `dial error: ${codeOf(error) ?? messageOf(error)}`;
  return `failed to connect to \`user=${client.user} database=${client.database}\`: ${place} (${client.host}): ${reason}`;
}

/** PostgreSQL's own message with its severity and code. */
function sqlFailure(error: unknown): string {
  const code = codeOf(error);
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return messageOf(error);
  const severity = (error as { severity?: unknown }).severity ?? 'ERROR';
  return `${String(severity)}: ${messageOf(error)} (SQLSTATE ${code})`;
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/**
 * An error may quote the SQL around it, which holds the new password, and a syntax error quotes a part of it: both
 * are struck out.
 */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret !== '');
  return known
    .reduce((rest, secret) => rest.replaceAll(secret, '[password]'), text)
    .replace(/"([^"]+)"/g, (quoted, part: string) =>
      known.some((secret) => secret.includes(part)) ? '"[password]"' : quoted,
    );
}
