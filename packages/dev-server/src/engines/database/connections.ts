import { globMatches } from '../../glob.js';
import { failed, messageOf, notFound, type Refusal, refused } from '../../refusal.js';
import { type Route, route } from '../../routing/route.js';
import { keysReply } from '../key-listing.js';
import { changePassword, type DatabaseLogin, verifyConnection } from './postgres.js';

const PLUGIN = 'postgresql-database-plugin';

/** A configured database. */
export interface Connection extends DatabaseLogin {
  readonly allowedRoles: readonly string[];
  readonly rootRotationStatements: readonly string[];
}

/** The databases of one mount. */
export interface Connections {
  /** @throws Refusal 500 for an unknown one */
  get(name: string): Connection;
  /** @throws Refusal 500 for an unknown one, or one that does not list this role */
  forRole(name: string, roleName: string): Connection;
  readonly routes: readonly Route[];
}

export function createConnections(): Connections {
  const connections = new Map<string, Connection>();
  const get = (name: string) => {
    const connection = connections.get(name);
    if (connection === undefined) throw failed(`failed to find entry for connection with name: "${name}"`);
    return connection;
  };
  return {
    get,
    forRole(name, roleName) {
      const connection = get(name);
      const allowed = connection.allowedRoles.some((pattern) => globMatches(pattern, roleName));
      if (!allowed) throw failed(`"${roleName}" is not an allowed role`);
      return connection;
    },
    routes: [
      route({ pattern: 'config/?', on: { list: () => keysReply([...connections.keys()].sort()) } }),
      route({
        pattern: 'config/:name',
        exists: ({ name = '' }) => connections.has(name),
        anyFields: true,
        fields: {
          plugin_name: 'text',
          connection_url: 'text',
          username: 'text',
          password: 'text',
          allowed_roles: 'texts',
          verify_connection: 'flag',
          root_rotation_statements: 'statements',
        },
        on: {
          read({ params }) {
            const connection = connections.get(params.name as string);
            if (connection === undefined) throw notFound();
            return { data: describe(connection) };
          },
          async write({ params, fields }) {
            const name = params.name as string;
            const before = connections.get(name);
            checkPlugin(fields.plugin_name ?? (before === undefined ? '' : PLUGIN));
            const connection: Connection = {
              connectionUrl: fields.connection_url ?? before?.connectionUrl ?? '',
              username: fields.username ?? before?.username ?? '',
              password: fields.password ?? before?.password ?? '',
              allowedRoles: fields.allowed_roles ?? before?.allowedRoles ?? [],
              rootRotationStatements: fields.root_rotation_statements ?? before?.rootRotationStatements ?? [],
            };
            if (connection.connectionUrl === '') throw notCreated('connection_url cannot be empty');
            if (fields.verify_connection !== false) {
              await verifyConnection(connection).catch((error) => {
                throw notCreated(`error verifying connection: ${messageOf(error)}`);
              });
            }
            connections.set(name, connection);
            return undefined;
          },
          delete({ params }) {
            connections.delete(params.name as string);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'reset/:name',
        on: {
          write({ params }) {
            get(params.name as string);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'rotate-root/:name',
        on: {
          async write({ params }) {
            const name = params.name as string;
            const connection = get(name);
            const password = await changePassword(
              connection,
              connection.rootRotationStatements,
              connection.username,
            ).catch((error) => {
              throw failed(messageOf(error));
            });
            connections.set(name, { ...connection, password });
            return undefined;
          },
        },
      }),
    ],
  };
}

/** What a reader may see: everything but the password. */
function describe(connection: Connection): Record<string, unknown> {
  return {
    allowed_roles: connection.allowedRoles,
    connection_details: { connection_url: connection.connectionUrl, username: connection.username },
    password_policy: '',
    plugin_name: PLUGIN,
    plugin_version: '',
    root_credentials_rotate_statements: connection.rootRotationStatements,
  };
}

function checkPlugin(name: string): void {
  if (name === '') throw refused('empty plugin name');
  if (name !== PLUGIN) {
    const missing = `plugin not found in the catalog: ${name}`;
    throw notCreated(`invalid database version: 2 errors occurred:\n\t* ${missing}\n\t* ${missing}\n\n`);
  }
}

function notCreated(reason: string): Refusal {
  return refused(`error creating database object: ${reason}`);
}
