import type { HostClock, Timer } from '@keyturn/core/provider';
import type { Background } from '../../background.js';
import { failed, messageOf, notFound, oneError, refused } from '../../refusal.js';
import { type Route, route } from '../../routing/route.js';
import { alarmAt } from '../../time/alarm.js';
import { rfc3339 } from '../../time/rfc3339.js';
import { keysReply } from '../key-listing.js';
import type { Connections } from './connections.js';
import { changePassword } from './postgres.js';

const MIN_PERIOD_SECONDS = 5;
/** A rotation that failed is tried again after this long, as on the server. */
const RETRY_MS = 10_000;

interface StaticRole {
  readonly dbName: string;
  readonly username: string;
  rotationStatements: readonly string[];
  periodSeconds: number;
  password: string;
  rotatedMs: number;
  timer?: Timer | undefined;
  /** The rotation under way, so that two never overlap. */
  rotating?: Promise<void> | undefined;
  removed: boolean;
}

/** `static-roles/`, `static-creds/`, `rotate-role/`: one database role whose password the server changes. */
export interface StaticRoles {
  readonly routes: readonly Route[];
  close(): void;
}

export function createStaticRoles(
  clock: HostClock,
  background: Background,
  connections: Connections,
): StaticRoles {
  const roles = new Map<string, StaticRole>();

  const watch = (role: StaticRole, dueMs: number) => {
    role.timer?.cancel();
    if (role.removed) return;
    role.timer = alarmAt(clock, dueMs, () =>
      background.run(() => rotate(role).catch(() => watch(role, clock.wallMs() + RETRY_MS))),
    );
  };

  const changeNow = async (role: StaticRole) => {
    const connection = connections.get(role.dbName);
    role.password = await changePassword(connection, role.rotationStatements, role.username);
    role.rotatedMs = clock.wallMs();
    watch(role, nextRotationMs(role));
  };

  const rotate = (role: StaticRole) => {
    role.rotating ??= changeNow(role).finally(() => {
      role.rotating = undefined;
    });
    return role.rotating;
  };

  const remove = (name: string, role: StaticRole) => {
    role.removed = true;
    role.timer?.cancel();
    roles.delete(name);
  };

  return {
    routes: [
      route({ pattern: 'static-roles/?', on: { list: () => keysReply([...roles.keys()].sort()) } }),
      route({
        pattern: 'static-roles/:name',
        exists: ({ name = '' }) => roles.has(name),
        fields: {
          db_name: 'text',
          username: 'text',
          rotation_period: 'seconds',
          rotation_statements: 'statements',
          credential_type: 'text',
        },
        on: {
          read({ params }) {
            const role = roles.get(params.name as string);
            if (role === undefined) throw notFound();
            return { data: describe(role) };
          },
          async write({ params, fields }) {
            const name = params.name as string;
            const before = roles.get(name);
            const dbName = fields.db_name ?? before?.dbName ?? '';
            const username = fields.username ?? '';
            if (dbName === '') throw refused('database name is a required field');
            if (before === undefined && username === '') {
              throw refused('username is a required field to create a static account');
            }
            if (before !== undefined && username !== before.username) {
              throw refused('cannot update static account username');
            }
            const periodSeconds = fields.rotation_period ?? before?.periodSeconds;
            if (periodSeconds === undefined) {
              throw refused('rotation_period is required to create static accounts');
            }
            if (periodSeconds < MIN_PERIOD_SECONDS) {
              throw refused(`rotation_period must be ${MIN_PERIOD_SECONDS} seconds or more`);
            }
            connections.forRole(dbName, name);
            if (before !== undefined) {
              before.periodSeconds = periodSeconds;
              before.rotationStatements = fields.rotation_statements ?? before.rotationStatements;
              watch(before, nextRotationMs(before));
              return undefined;
            }
            const role: StaticRole = {
              dbName,
              username,
              periodSeconds,
              rotationStatements: fields.rotation_statements ?? [],
              password: '',
              rotatedMs: 0,
              removed: false,
            };
            await rotate(role).catch((error) => {
              throw failed(
                `error setting credentials: ${oneError(`failed to execute query: ${messageOf(error)}`)}`,
              );
            });
            roles.set(name, role);
            return undefined;
          },
          delete({ params }) {
            const role = roles.get(params.name as string);
            if (role !== undefined) remove(params.name as string, role);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'static-creds/:name',
        on: {
          read({ params }) {
            const role = roles.get(params.name as string);
            if (role === undefined) throw refused(`unknown role: ${params.name}`);
            const leftMs = nextRotationMs(role) - clock.wallMs();
            return {
              data: {
                last_vault_rotation: rfc3339(role.rotatedMs),
                password: role.password,
                rotation_period: role.periodSeconds,
                ttl: Math.max(0, Math.round(leftMs / 1000)),
                username: role.username,
              },
            };
          },
        },
      }),
      route({
        pattern: 'rotate-role/:name',
        on: {
          async write({ params }) {
            const role = roles.get(params.name as string);
            if (role === undefined) throw refused('no static role found for role name');
            await rotate(role).catch((error) => {
              throw failed(`unable to finish rotating credentials: ${messageOf(error)}`);
            });
            return undefined;
          },
        },
      }),
    ],
    close() {
      for (const [name, role] of roles) remove(name, role);
    },
  };
}

function nextRotationMs(role: StaticRole): number {
  return role.rotatedMs + role.periodSeconds * 1000;
}

function describe(role: StaticRole): Record<string, unknown> {
  return {
    credential_type: 'password',
    db_name: role.dbName,
    last_vault_rotation: rfc3339(role.rotatedMs),
    rotation_period: role.periodSeconds,
    rotation_statements: role.rotationStatements,
    username: role.username,
  };
}
