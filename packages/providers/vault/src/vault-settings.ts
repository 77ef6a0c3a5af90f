import { type ApiAddress, apiAddresses, apiUrl, schemeOf } from './api-address.js';
import { isSafePath } from './api-path.js';
import type { Auth } from './auth/auth.js';
import { invalidConfig, refuseUnknown, requireObject } from './invalid-config.js';
import { checkTls, type VaultTls } from './tls-settings.js';

/** What is mounted at a path. Only KV and TOTP differ in how they are read; the rest says itself what it is. */
export type MountKind = 'kv1' | 'kv2' | 'database' | 'pki' | 'totp' | 'other';

/** What a path that is read by a write is sent. */
export type ReadParameters = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What `vault` takes. */
export interface VaultConfig {
  /**
   * Scheme, host and port of the API, such as `https://vault:8200`; with the path in front of `/v1` where there is one.
   * Or `unix:///run/vault/agent.sock`. Several are nodes of one cluster, the preferred first: when one cannot answer,
   * the next is called, with the same token.
   */
  readonly address: string | readonly string[];
  /** How to log in: `token`, `kubernetes`, `approle` and so on. */
  readonly auth: Auth;
  /** The namespace of every call, the login included: OpenBao, or Vault Enterprise. */
  readonly namespace?: string;
  /** What is mounted where. A mount that is not named here is looked up at its first use. */
  readonly mounts?: Readonly<Record<string, MountKind>>;
  /** What to send with paths that are read by a write: `pki/issue/…`, `kubernetes/creds/…`. Not for KV. */
  readonly parameters?: Readonly<Record<string, ReadParameters>>;
  /** API addresses of further nodes of the cluster: where, beside `address`, a standby may redirect to, token included. */
  readonly nodes?: readonly string[];
  readonly tls?: VaultTls;
  /** The longest answer that is read, in bytes. Default 8 MiB. */
  readonly maxResponseBytes?: number;
}

/** The configuration, checked, with its defaults in place. */
export interface VaultSettings {
  /** The preferred first. */
  readonly addresses: readonly [ApiAddress, ...ApiAddress[]];
  /** `http:`, `https:` or `unix:`: one for all addresses. */
  readonly scheme: string;
  readonly auth: Auth;
  readonly namespace: string | undefined;
  readonly mounts: ReadonlyMap<string, MountKind>;
  readonly parameters: ReadonlyMap<string, ReadParameters>;
  /** The origins that a redirect may lead to: of `addresses` and `nodes`. */
  readonly nodes: ReadonlySet<string>;
  readonly tls: VaultTls;
  readonly maxResponseBytes: number;
}

const NAMES = [
  'address',
  'auth',
  'namespace',
  'mounts',
  'parameters',
  'nodes',
  'tls',
  'maxResponseBytes',
] as const;
const KINDS: readonly MountKind[] = ['kv1', 'kv2', 'database', 'pki', 'totp', 'other'];
const DEFAULT_MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

/**
 * Checks a configuration without any I/O.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function vaultSettings(config: VaultConfig): VaultSettings {
  refuseUnknown(config, NAMES);
  const addresses = apiAddresses(config.address);
  const scheme = schemeOf(addresses[0].name);
  if (typeof config.auth?.read !== 'function') {
    throw invalidConfig(
      'auth',
      'is missing',
      'Give token(…), kubernetes(…) or another login of @keyturn/vault.',
    );
  }
  if (config.tls !== undefined) checkTls(config.tls, scheme);
  if (config.auth.needsClientCertificate === true && config.tls?.cert === undefined) {
    throw invalidConfig('tls.cert', `is missing, which auth: ${config.auth.method} logs in with`);
  }
  return {
    addresses,
    scheme,
    auth: config.auth,
    namespace: namespaceOf(config.namespace),
    mounts: mountsOf(config.mounts ?? {}),
    parameters: parametersOf(config.parameters ?? {}),
    nodes: new Set([...addresses.flatMap(originOf), ...nodesOf(config.nodes ?? [], scheme)]),
    tls: config.tls ?? {},
    maxResponseBytes: bytesOf(config.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES),
  };
}

function namespaceOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const namespace = typeof given === 'string' ? given.replace(/^\/|\/$/g, '') : '';
  if (!isSafePath(namespace) || !/^[\x21-\x7e]+$/.test(namespace)) {
    throw invalidConfig('namespace', 'is no path such as team or team/orders');
  }
  return namespace;
}

function mountsOf(given: Readonly<Record<string, MountKind>>): ReadonlyMap<string, MountKind> {
  return new Map(
    entriesOf(given, 'mounts').map(([path, kind]) => {
      if (!KINDS.includes(kind)) {
        throw invalidConfig(`mounts['${path}']`, 'is no kind of mount', `There are ${KINDS.join(', ')}.`);
      }
      return [path, kind];
    }),
  );
}

function parametersOf(given: Readonly<Record<string, ReadParameters>>): ReadonlyMap<string, ReadParameters> {
  return new Map(
    entriesOf(given, 'parameters').map(([path, parameters]) => {
      requireObject(parameters, `parameters['${path}']`);
      return [path, parameters];
    }),
  );
}

/** The entries of a record by path, each without a slash at its ends. */
function entriesOf<Value>(given: Readonly<Record<string, Value>>, setting: string): [string, Value][] {
  requireObject(given, setting);
  return Object.entries(given).map(([key, value]) => {
    const path = key.replace(/^\/|\/$/g, '');
    if (!isSafePath(path)) {
      throw invalidConfig(setting, 'has a malformed path', 'Write paths like secret or team/secret.');
    }
    return [path, value];
  });
}

function nodesOf(given: readonly string[], scheme: string): readonly string[] {
  if (!Array.isArray(given)) throw invalidConfig('nodes', 'is not a list of addresses');
  return given.map((node, place) => {
    const url = apiUrl(node, `nodes[${place}]`);
    if (url.protocol !== scheme) {
      throw invalidConfig(
        `nodes[${place}]`,
        'has another scheme than address',
        'The token would change from TLS to plain text: use one scheme.',
      );
    }
    return url.origin;
  });
}

/** None for a socket: what is behind one has no origin. */
function originOf({ url, socketPath }: ApiAddress): string[] {
  return socketPath === undefined ? [new URL(url).origin] : [];
}

function bytesOf(given: number): number {
  if (Number.isSafeInteger(given) && given > 0) return given;
  throw invalidConfig('maxResponseBytes', 'is not a positive whole number of bytes');
}
