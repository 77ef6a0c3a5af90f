import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { authority, type Certificate } from './certificates.js';

/** One version as the vault holds it. */
export interface VaultVersion {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly value: string;
  readonly contentType?: string;
  readonly tags?: Readonly<Record<string, string>>;
  attributes: { enabled: boolean; exp?: number; nbf?: number; created: number; updated: number };
}

/** One for all servers of a process: `@azure/identity` keeps the token of a Managed Identity for the whole process. */
const TOKEN = `canary-token-${randomBytes(12).toString('hex')}`;

/** Made once: two RSA keys take a third of a second. */
let tls: (Certificate & { readonly ca: string }) | undefined;

function serverTls(): Certificate & { readonly ca: string } {
  const { ca, issue } = authority();
  return { ca, ...issue() };
}

/** What a request is answered with instead of the truth. */
export interface Fault {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, unless it is text. */
  readonly body?: unknown;
}

/** A Key Vault on TLS, and the service of tokens that a Managed Identity has beside it. */
export interface KeyVaultServer {
  readonly vaultUrl: string;
  readonly ca: string;
  /** Versions by the name of their secret, the first one first. */
  readonly secrets: Map<string, VaultVersion[]>;
  /** What the next requests that bring a token are answered with, one after the other. */
  readonly faults: Fault[];
  readonly requests: IncomingMessage[];
  /** What a request for a token is answered. */
  answerToken: () => Fault;
  readonly tokenRequests: IncomingMessage[];
  /** The only token that is taken. */
  readonly token: string;
  /** What leads a Managed Identity to the service of tokens. */
  readonly environment: Readonly<Record<string, string>>;
  /** While true, requests are taken and not answered. */
  isFrozen: boolean;
  /** The most secrets in one page of a listing. */
  pageSize: number;
  /** Adds a version, and the secret where there is none; the id of the version. */
  set(name: string, value: string, facts?: Partial<Omit<VaultVersion, 'id' | 'value'>>): string;
  disconnect(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts both on free loopback ports. Answers as Key Vault does: 404 SecretNotFound, 403 with the inner code
 * SecretDisabled, expired secrets readable, versions listed in no useful order, times in whole seconds.
 */
export async function startKeyVault(): Promise<KeyVaultServer> {
  tls ??= serverTls();
  const { ca, ...identity } = tls;
  const vault = createServer(identity, (request, response) => {
    const answer = held.isFrozen ? undefined : answerTo(request);
    held.requests.push(request);
    if (answer !== undefined) send(response, answer);
  });
  const tokens = createHttpServer((request, response) => {
    held.tokenRequests.push(request);
    send(response, held.answerToken());
  });
  const [vaultPort, tokenPort] = [await listening(vault), await listening(tokens)];
  const vaultUrl = `https://127.0.0.1:${vaultPort}`;
  const held: KeyVaultServer = {
    vaultUrl,
    ca,
    secrets: new Map(),
    faults: [],
    requests: [],
    tokenRequests: [],
    token: TOKEN,
    environment: {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${tokenPort}/token`,
      IDENTITY_HEADER: 'canary-identity-header',
    },
    isFrozen: false,
    pageSize: 25,
    answerToken: () => ({
      status: 200,
      body: {
        access_token: TOKEN,
        expires_on: String(seconds() + 3_600),
        resource: 'https://vault.azure.net',
        token_type: 'Bearer',
      },
    }),
    set(name, value, { attributes, ...facts } = {}) {
      const id = randomBytes(16).toString('hex');
      const usual = { enabled: true, created: seconds(), updated: seconds() };
      const version = { id, value, ...facts, attributes: { ...usual, ...attributes } };
      held.secrets.set(name.toLowerCase(), [...(held.secrets.get(name.toLowerCase()) ?? []), version]);
      return id;
    },
    disconnect: () => ended(vault),
    async stop() {
      await Promise.all([ended(vault), ended(tokens)]);
    },
  };
  return held;

  function answerTo({ url = '', headers }: IncomingMessage): Fault {
    if (headers.authorization === undefined) {
      const challenge =
        'Bearer authorization="https://login.microsoftonline.com/7a3f0c1e-0000-0000-0000-000000000000", resource="https://vault.azure.net"';
      return { status: 401, headers: { 'WWW-Authenticate': challenge }, body: failure('Unauthorized') };
    }
    const fault = held.faults.shift();
    if (fault !== undefined) return fault;
    if (headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: failure('Unauthorized') };
    const { pathname, searchParams } = new URL(url, vaultUrl);
    const [, , name = '', id = ''] = pathname.split('/');
    return name === '' ? page(Number(searchParams.get('skip') ?? 0)) : read(name, id);
  }

  function read(name: string, id: string): Fault {
    const versions = held.secrets.get(name.toLowerCase()) ?? [];
    const version = id === '' ? versions.at(-1) : versions.find((one) => one.id === id);
    if (version === undefined) return { status: 404, body: failure('SecretNotFound') };
    if (!version.attributes.enabled) return { status: 403, body: failure('Forbidden', 'SecretDisabled') };
    return { status: 200, body: { ...bundle(name, version), value: version.value } };
  }

  function page(skip: number): Fault {
    const names = [...held.secrets.keys()].sort();
    const value = names.slice(skip, skip + held.pageSize).map((name) => {
      const { id: _, ...facts } = bundle(name, held.secrets.get(name)?.at(-1) as VaultVersion);
      return { id: `${vaultUrl}/secrets/${name}`, ...facts };
    });
    const next = skip + held.pageSize;
    const nextLink = next < names.length ? `${vaultUrl}/secrets?api-version=7.5&skip=${next}` : null;
    return { status: 200, body: { value, nextLink } };
  }

  function bundle(name: string, { id, contentType, tags, attributes }: VaultVersion) {
    return { id: `${vaultUrl}/secrets/${name}/${id}`, contentType, tags, attributes };
  }
}

/** An error as Key Vault writes it. Its message quotes its caller, so that a test sees where it gets to. */
export function failure(code: string, inner?: string, message = 'canary-message of the server') {
  const innererror = inner === undefined ? undefined : { code: inner };
  return { error: { code, message, innererror } };
}

function send(response: Parameters<RequestListener>[1], { status, headers = {}, body = '' }: Fault): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function ended(server: Server): Promise<void> {
  server.closeAllConnections();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
}
