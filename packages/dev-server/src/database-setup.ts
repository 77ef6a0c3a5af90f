import { type Duration, durationMs } from '@keyturn/core/provider';
import type { DatabaseSetup } from './configuration.js';
import type { DevServer } from './dev-server.js';

/** Mounts `database/` and writes the configured databases and roles to it, through the API itself. */
export async function configureDatabases(
  databases: Readonly<Record<string, DatabaseSetup>>,
  admin: DevServer['admin'],
): Promise<void> {
  if (Object.keys(databases).length === 0) return;
  const mounts = await admin('GET', 'sys/mounts');
  if (mounts.data?.['database/'] === undefined) {
    await admin('POST', 'sys/mounts/database', { type: 'database' });
  }
  for (const [name, { connectionUrl, username, password, roles, staticRoles }] of Object.entries(databases)) {
    await admin('POST', `database/config/${name}`, {
      plugin_name: 'postgresql-database-plugin',
      connection_url: connectionUrl,
      username,
      password,
      allowed_roles: [...Object.keys(roles ?? {}), ...Object.keys(staticRoles ?? {})],
    });
    for (const [roleName, role] of Object.entries(roles ?? {})) {
      await admin('POST', `database/roles/${roleName}`, {
        db_name: name,
        creation_statements: role.creationStatements,
        revocation_statements: role.revocationStatements ?? [],
        renew_statements: role.renewStatements ?? [],
        default_ttl: seconds(role.defaultTtl),
        max_ttl: seconds(role.maxTtl),
      });
    }
    for (const [roleName, role] of Object.entries(staticRoles ?? {})) {
      await admin('POST', `database/static-roles/${roleName}`, {
        db_name: name,
        username: role.username,
        rotation_period: seconds(role.rotationPeriod),
        rotation_statements: role.rotationStatements ?? [],
      });
    }
  }
}

function seconds(duration: Duration = 0): number {
  return Math.ceil(durationMs(duration, 'databases') / 1000);
}
