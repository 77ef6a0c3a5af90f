import { type Duration, durationMs, type HostClock, SecretsError, systemClock } from '@keyturn/core/provider';

/** What a dev server may be told. Everything may be left out. */
export interface DevServerOptions {
  /** The token that may do everything. Random where left out. */
  readonly rootToken?: string;
  /** The source of time for every ttl, expiry and rotation. The host's where left out; a fake one in tests. */
  readonly clock?: HostClock;
  /** The loopback port. Any free one where left out. */
  readonly port?: number;
  /** A certificate and its key in PEM: the server then speaks HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** PostgreSQL databases to configure at `database/` when the server starts, by name. */
  readonly databases?: Readonly<Record<string, DatabaseSetup>>;
}

/** A database, and the roles in it, as `database/config`, `database/roles` and `database/static-roles` take them. */
export interface DatabaseSetup {
  /** `postgresql://{{username}}:{{password}}@host:port/database?sslmode=…` */
  readonly connectionUrl: string;
  /** A user that may create and drop roles. */
  readonly username: string;
  readonly password: string;
  readonly roles?: Readonly<Record<string, DynamicRoleSetup>>;
  readonly staticRoles?: Readonly<Record<string, StaticRoleSetup>>;
}

/** A role that gives each caller a database user of its own. */
export interface DynamicRoleSetup {
  /** SQL with `{{name}}`, `{{password}}`, `{{expiration}}`. */
  readonly creationStatements: readonly string[];
  readonly revocationStatements?: readonly string[];
  readonly renewStatements?: readonly string[];
  readonly defaultTtl?: Duration;
  readonly maxTtl?: Duration;
}

/** A database user whose password the server changes. */
export interface StaticRoleSetup {
  readonly username: string;
  readonly rotationPeriod: Duration;
  readonly rotationStatements?: readonly string[];
}

/** The options, checked and complete. */
export interface Configuration {
  readonly rootToken: string | undefined;
  readonly clock: HostClock;
  readonly port: number;
  readonly tls: DevServerOptions['tls'];
  readonly databases: Readonly<Record<string, DatabaseSetup>>;
}

/** @throws SecretsError `invalid-config` naming the option */
export function configurationOf(options: DevServerOptions): Configuration {
  const { rootToken, clock = systemClock, port = 0, tls, databases = {} } = options;
  if (rootToken !== undefined && !/^[\x21-\x7e]+$/.test(rootToken)) {
    throw invalid(
      'rootToken',
      'is not a token.',
      'Give printable characters without spaces, or leave it out.',
    );
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid('port', 'is not a port.', 'Give a number from 0 (any free one) to 65535, or leave it out.');
  }
  if (tls !== undefined && !(isPem(tls.cert) && isPem(tls.key))) {
    throw invalid('tls', 'has no PEM certificate and key.', 'Give { cert, key }, both as PEM text.');
  }
  for (const [name, database] of Object.entries(databases)) checkDatabase(`databases.${name}`, database);
  return { rootToken, clock, port, tls, databases };
}

/** `invalid-config` about one option of the dev server. The value itself is never shown. */
export function invalid(option: string, problem: string, remedy: string, cause?: unknown): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The dev server's option ${option} ${problem}`,
    remedy,
    provider: 'dev-server',
    cause,
  });
}

function checkDatabase(option: string, database: DatabaseSetup): void {
  if (!/^postgres(ql)?:\/\//.test(database.connectionUrl)) {
    throw invalid(
      `${option}.connectionUrl`,
      'is not a PostgreSQL URL.',
      "Give 'postgresql://{{username}}:{{password}}@host:port/database'.",
    );
  }
  for (const [name, role] of Object.entries(database.roles ?? {})) {
    if (role.creationStatements.length === 0) {
      throw invalid(
        `${option}.roles.${name}.creationStatements`,
        'is empty.',
        'Give SQL such as CREATE ROLE "{{name}}" LOGIN PASSWORD \'{{password}}\'.',
      );
    }
    durationMs(role.defaultTtl ?? 0, `${option}.roles.${name}.defaultTtl`);
    durationMs(role.maxTtl ?? 0, `${option}.roles.${name}.maxTtl`);
  }
  for (const [name, role] of Object.entries(database.staticRoles ?? {})) {
    durationMs(role.rotationPeriod, `${option}.staticRoles.${name}.rotationPeriod`);
  }
}

function isPem(text: unknown): boolean {
  return typeof text === 'string' && text.includes('-----BEGIN ');
}
