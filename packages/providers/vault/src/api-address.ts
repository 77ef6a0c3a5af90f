import { invalidConfig } from './invalid-config.js';

/** One place where the store's API is served: a node, a load balancer, or an agent on this host. */
export interface ApiAddress {
  /** What the core calls it: as it was configured, without a slash at its end. */
  readonly name: string;
  /** What paths are put behind. For a socket the host in it is a placeholder. */
  readonly url: string;
  /** The file of a Unix domain socket to connect to in place of the host. */
  readonly socketPath: string | undefined;
}

/** What `new URL` accepts behind `unix://` is no path of a socket: none is taken from there. */
const SOCKET = /^unix:\/\/(\/[^\0?#]*[^\0?#/])$/;

/**
 * Where to call, the preferred place first.
 *
 * All must have one scheme: the token of a login is sent to each of them, and must not change from TLS to plain text on
 * the way. The same place twice would be a second try that cannot help.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function apiAddresses(given: unknown): readonly [ApiAddress, ...ApiAddress[]] {
  if (!Array.isArray(given)) return [apiAddress(given, 'address')];
  const [first, ...others] = given.map((one: unknown, place) => apiAddress(one, `address[${place}]`));
  if (first === undefined) throw invalidConfig('address', 'is an empty list', 'Name one address or more.');
  for (const [index, { name }] of others.entries()) {
    const setting = `address[${index + 1}]`;
    if (schemeOf(name) !== schemeOf(first.name)) {
      throw invalidConfig(setting, 'has another scheme than the first', 'Use one scheme for all of them.');
    }
    if ([first, ...others.slice(0, index)].some((before) => before.name === name)) {
      throw invalidConfig(setting, 'is given twice', 'Name each node of the cluster once.');
    }
  }
  return [first, ...others];
}

/**
 * Checks a URL at which the API is served.
 *
 * @throws SecretsError `invalid-config`, without the URL: it may hold a password
 */
export function apiUrl(given: unknown, setting: string): URL {
  const remedy = `Write ${setting} like https://vault:8200.`;
  if (given === undefined) throw invalidConfig(setting, 'is not set', remedy);
  let url: URL;
  try {
    url = new URL(typeof given === 'string' ? given : '');
  } catch {
    throw invalidConfig(setting, 'is not a URL', remedy);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalidConfig(setting, 'is neither http:// nor https://', remedy);
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidConfig(setting, 'holds a user or password', 'Log in by the setting auth.');
  }
  if (url.search !== '' || url.hash !== '') throw invalidConfig(setting, 'has a query or fragment', remedy);
  if (/\/v1\/*$/.test(url.pathname)) throw invalidConfig(setting, 'ends in /v1', `Leave out /v1. ${remedy}`);
  return url;
}

/** `https:`, `http:` or `unix:`. */
export function schemeOf(name: string): string {
  return name.slice(0, name.indexOf(':') + 1);
}

function apiAddress(given: unknown, setting: string): ApiAddress {
  if (typeof given === 'string' && given.startsWith('unix:')) {
    const [, socketPath] = SOCKET.exec(given) ?? [];
    if (socketPath !== undefined) return { name: given, url: 'http://localhost', socketPath };
    throw invalidConfig(setting, 'names no socket', `Write ${setting} like unix:///run/vault/agent.sock.`);
  }
  const name = apiUrl(given, setting).href.replace(/\/+$/, '');
  return { name, url: name, socketPath: undefined };
}
