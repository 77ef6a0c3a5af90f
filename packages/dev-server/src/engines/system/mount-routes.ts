import { SYSTEM_TTL_SECONDS } from '../../lease-ttl.js';
import type { Mount, MountDefinition } from '../../mounts.js';
import { messageOf, refused } from '../../refusal.js';
import type { Reply } from '../../reply.js';
import { type CallContext, type Route, route } from '../../routing/route.js';
import { SERVER_VERSION } from '../../server-version.js';
import type { Store } from '../../store.js';
import { durationSeconds } from '../../time/go-duration.js';

const MOUNT = {
  type: 'text',
  description: 'text',
  options: 'pairs',
  config: 'map',
  local: 'flag',
  seal_wrap: 'flag',
  plugin_name: 'text',
} as const;
const TUNE = {
  default_lease_ttl: 'any',
  max_lease_ttl: 'any',
  description: 'text',
  options: 'pairs',
} as const;

/** Request headers that the server hands to two of its own mounts. */
const PASSED_HEADERS: Readonly<Record<string, object>> = {
  system: { passthrough_request_headers: ['Accept'] },
  identity: { passthrough_request_headers: ['Authorization'] },
};

/** `sys/mounts`, `sys/auth`, and what a client may ask about the mount of a path. */
export function mountRoutes(store: Store): readonly Route[] {
  return [
    ...tableRoutes(store, 'secret'),
    ...tableRoutes(store, 'auth'),
    route({
      pattern: 'internal/ui/mounts',
      access: 'token',
      on: {
        read({ caller }) {
          const visible = (kind: Mount['kind']) =>
            Object.fromEntries(
              store.mounts
                .list(kind)
                .filter((mount) => reaches(store, caller, mount))
                .map((mount) => [shownPath(mount), describe(mount)]),
            );
          return { data: { auth: visible('auth'), secret: visible('secret') } };
        },
      },
    }),
    route({
      pattern: 'internal/ui/mounts/:path+',
      access: 'token',
      on: {
        read({ params, caller }) {
          const path = `${params.path}/`.replace(/\/+$/, '/');
          const mount = store.mounts.at(path);
          if (mount === undefined || !reaches(store, caller, mount)) {
            throw refused(
              `preflight capability check returned 403, please ensure client's policies grant access to path "${path}"`,
              403,
            );
          }
          return { data: { ...describe(mount), path: shownPath(mount) } };
        },
      },
    }),
  ];
}

function tableRoutes(store: Store, kind: Mount['kind']): readonly Route[] {
  const table = kind === 'auth' ? 'auth' : 'mounts';
  const prefix = kind === 'auth' ? 'auth/' : '';
  const access = kind === 'auth' ? 'sudo' : 'policy';
  const pathOf = ({ params }: CallContext) => `${prefix}${String(params.path).replace(/\/+$/, '')}/`;

  return [
    route({
      pattern: table,
      dataOnTop: true,
      on: {
        read: () => ({
          data: Object.fromEntries(
            store.mounts.list(kind).map((mount) => [shownPath(mount), describe(mount)]),
          ),
        }),
      },
    }),
    route({
      pattern: `${table}/:path+/tune`,
      access,
      fields: TUNE,
      dataOnTop: true,
      on: {
        read(call) {
          const mount = store.mounts.exactly(pathOf(call));
          if (mount === undefined) throw refused(`cannot fetch sysview for path "${pathOf(call)}"`);
          return tuning(mount);
        },
        write(call) {
          const mount = store.mounts.exactly(pathOf(call));
          if (mount === undefined)
            throw refused(`tune of path "${pathOf(call)}" failed: no mount entry found`);
          Object.assign(mount.config, limits(call.fields, mount.config));
          return undefined;
        },
      },
    }),
    route({
      pattern: `${table}/:path+`,
      access,
      fields: MOUNT,
      dataOnTop: true,
      on: {
        read(call) {
          const mount = store.mounts.exactly(pathOf(call));
          if (mount !== undefined) return { data: describe(mount) };
          const path = pathOf(call).slice(prefix.length);
          throw refused(kind === 'auth' ? `No auth engine at ${path}` : `No secret engine mount at ${path}`);
        },
        write(call) {
          const path = pathOf(call);
          const { fields } = call;
          if (!fields.type) throw refused('backend type must be specified as a string');
          if (kind === 'secret' && /^(sys|cubbyhole|auth|identity)\//.test(path)) {
            throw refused(`cannot mount "${path}"`);
          }
          const other = store.mounts.inTheWayOf(path);
          if (other !== undefined) throw refused(`path is already in use at ${shownPath(other)}`);
          store.mount({
            path,
            kind,
            description: fields.description ?? '',
            ...engineOf(fields.type, fields.options),
            config: limits(fields.config ?? {}),
          });
          return undefined;
        },
        async delete(call) {
          const path = pathOf(call);
          const mount = store.mounts.exactly(path);
          if (mount?.builtIn) {
            throw refused(
              kind === 'auth'
                ? `${mount.type} credential backend cannot be disabled`
                : `cannot unmount "${path}"`,
            );
          }
          if (mount !== undefined) await store.unmount(mount);
          return undefined;
        },
      },
    }),
  ];
}

/** `kv-v2` is an alias of `kv` with an option. */
function engineOf(
  type: string,
  options: Readonly<Record<string, string>> | undefined,
): Pick<MountDefinition, 'type' | 'options'> {
  if (type === 'kv-v2') return { type: 'kv', options: { ...options, version: '2' } };
  if (type === 'kv-v1') return { type: 'kv', options: { ...options, version: '1' } };
  if (type === 'kv' && !['1', '2'].includes(options?.version ?? '1')) {
    throw refused('nil backend of type "kv" returned from factory');
  }
  return { type, options: options ?? {} };
}

function limits(
  given: Readonly<Record<string, unknown>>,
  before = { defaultLeaseTtlSeconds: 0, maxLeaseTtlSeconds: 0 },
): Mount['config'] {
  const read = (name: string, label: string, fallback: number) => {
    if (given[name] === undefined) return fallback;
    try {
      return durationSeconds(given[name]);
    } catch (error) {
      throw refused(`unable to parse ${label} TTL of ${String(given[name])}: ${messageOf(error)}`);
    }
  };
  const config = {
    defaultLeaseTtlSeconds: read('default_lease_ttl', 'default', before.defaultLeaseTtlSeconds),
    maxLeaseTtlSeconds: read('max_lease_ttl', 'max', before.maxLeaseTtlSeconds),
  };
  if (config.maxLeaseTtlSeconds > 0 && config.defaultLeaseTtlSeconds > config.maxLeaseTtlSeconds) {
    throw refused('given default lease TTL greater than given max lease TTL');
  }
  return config;
}

function reaches(store: Store, caller: CallContext['caller'], mount: Mount): boolean {
  return caller !== undefined && store.policies.aclOf(caller).reaches(mount.path);
}

function shownPath(mount: Mount): string {
  return mount.kind === 'auth' ? mount.path.slice('auth/'.length) : mount.path;
}

function tuning(mount: Mount): Reply {
  return {
    data: {
      default_lease_ttl: mount.config.defaultLeaseTtlSeconds || SYSTEM_TTL_SECONDS,
      description: mount.description,
      force_no_cache: false,
      max_lease_ttl: mount.config.maxLeaseTtlSeconds || SYSTEM_TTL_SECONDS,
      ...(mount.kind === 'auth' ? { token_type: 'default-service' } : { options: mount.options }),
    },
  };
}

function describe(mount: Mount): Record<string, unknown> {
  return {
    accessor: mount.accessor,
    config: {
      default_lease_ttl: mount.config.defaultLeaseTtlSeconds,
      force_no_cache: false,
      max_lease_ttl: mount.config.maxLeaseTtlSeconds,
      ...(mount.kind === 'auth' ? { token_type: 'default-service' } : {}),
      ...(PASSED_HEADERS[mount.type] ?? {}),
    },
    ...(mount.builtIn ? {} : { deprecation_status: 'supported' }),
    description: mount.description,
    external_entropy_access: false,
    local: mount.type === 'cubbyhole',
    options: mount.options,
    plugin_version: '',
    running_plugin_version: `v${SERVER_VERSION}+builtin.bao`,
    running_sha256: '',
    seal_wrap: mount.type === 'system',
    type: mount.type,
    uuid: mount.uuid,
  };
}
