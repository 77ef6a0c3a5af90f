import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import { abortReason } from './abort-reason.js';
import { type Envelope, envelopeOf, type HttpAnswer } from './answer.js';
import { answerError } from './answer-error.js';
import type { Purpose } from './answer-row.js';
import { isBehind, refusesIndex } from './answer-rows.js';
import type { ApiAddress } from './api-address.js';
import { encodePath } from './api-path.js';
import { isRedirect } from './redirect.js';
import { ReplicationIndex } from './replication-index.js';
import { Transport } from './transport.js';
import type { VaultSettings } from './vault-settings.js';

/** Who calls, where, and until when. */
export interface Caller {
  readonly signal: AbortSignal;
  /** Undefined: nobody in particular, for logins. */
  readonly token?: string | undefined;
  /** One of the configured addresses, by its name; the first of them when undefined. */
  readonly address?: string | undefined;
}

/** One call of the store's API. */
export interface VaultCall extends Caller {
  readonly purpose: Purpose;
  /** Below `/v1/`, safe and not yet encoded. */
  readonly path: string;
  readonly query?: string;
  /** Makes it a write. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** What to look at when a login is refused. */
  readonly advice?: string;
  /** False for the endpoints that exist only outside of namespaces. */
  readonly inNamespace?: boolean;
}

/** The part of node-vault that is used. */
interface NodeVault {
  token: string;
  namespace: string;
  pathPrefix: string;
  read(path: string, options: object): Promise<HttpAnswer>;
  write(path: string, body: object, options: object): Promise<HttpAnswer>;
  list(path: string, options: object): Promise<HttpAnswer>;
}

/** What node-vault hands to its transport. */
interface NodeVaultRequest {
  readonly method: string;
  readonly uri: string;
  readonly json?: object;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * The store's API through node-vault, which is given our transport and kept from everything else.
 *
 * It is loaded at the first call, and what is published holds its own code alone (see tsup.config.ts): with its HTTP
 * client it would take 70 ms. The environment variables that it reads are overruled, its shared
 * token is never set, its commands (whose logins set it) do not exist, its debug output goes nowhere, and its
 * own reading of statuses is passed by: it would refuse a 202, take HTML for a secret, and put bodies into errors.
 */
export class VaultClient {
  readonly #settings: VaultSettings;
  readonly #transport: Transport;
  readonly #index = new ReplicationIndex();
  /** One for each address that was called. */
  readonly #nodeVaults = new Map<ApiAddress, Promise<NodeVault>>();

  constructor(settings: VaultSettings) {
    this.#settings = settings;
    this.#transport = new Transport(settings);
  }

  /**
   * Calls, and reads the envelope of a success.
   *
   * @throws SecretsError as the table of answers and that of connections say; the signal's reason when it aborts
   */
  async call(call: VaultCall): Promise<Envelope> {
    const { purpose, path, body, advice, signal } = call;
    const capability = body !== undefined ? 'update' : purpose === 'list' ? 'list' : 'read';
    try {
      signal.throwIfAborted();
      const index = this.#index.headers();
      const answer = await this.#send(call, encodePath(path), index);
      const facts = { purpose, path, capability, advice, namesIndex: index !== undefined } as const;
      if (refusesIndex(answer)) this.#index.forget();
      else if (isBehind(answer, facts)) this.#index.refused();
      else this.#index.answered(answer.index);
      const failure = answerError(answer, facts);
      if (failure !== undefined) throw failure;
      return envelopeOf(answer.body);
    } catch (error) {
      if (signal.aborted) throw abortReason(signal);
      if (!isSecretsError(error)) throw unsent(error);
      if (isUnled(error)) this.#index.forget();
      throw error;
    }
  }

  /** Closes every connection. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  async #send(call: VaultCall, encodedPath: string, index: object | undefined): Promise<HttpAnswer> {
    const { purpose, query, body, token, signal, inNamespace = true } = call;
    const nodeVault = await this.#nodeVaultAt(this.#addressOf(call));
    signal.throwIfAborted();
    const { namespace } = this.#settings;
    const options = {
      signal,
      headers: {
        Accept: 'application/json',
        'User-Agent': 'keyturn-vault',
        'X-Vault-Request': 'true',
        ...index,
        ...(token === undefined ? {} : { 'X-Vault-Token': token }),
        ...(namespace === undefined || !inNamespace ? {} : { 'X-Vault-Namespace': namespace }),
      },
    };
    const encoded = query === undefined ? encodedPath : `${encodedPath}?${query}`;
    if (body !== undefined) return nodeVault.write(encoded, body, options);
    return purpose === 'list' ? nodeVault.list(encoded, options) : nodeVault.read(encoded, options);
  }

  #addressOf({ address }: Caller): ApiAddress {
    const { addresses } = this.#settings;
    if (address === undefined) return addresses[0];
    const found = addresses.find(({ name }) => name === address);
    if (found !== undefined) return found;
    throw new SecretsError('invalid-config', {
      problem: 'The call is for an address that is not configured, and the token is not sent there.',
      remedy: 'Add it to the setting address.',
    });
  }

  #nodeVaultAt(address: ApiAddress): Promise<NodeVault> {
    const known = this.#nodeVaults.get(address) ?? this.#load(address);
    this.#nodeVaults.set(address, known);
    return known;
  }

  async #load(address: ApiAddress): Promise<NodeVault> {
    const { default: createNodeVault } = await import('node-vault');
    const nodeVault = createNodeVault({
      endpoint: address.url,
      apiVersion: 'v1',
      commands: {},
      noCustomHTTPVerbs: true,
      debug: () => {},
      'request-promise': { defaults: () => (request: NodeVaultRequest) => this.#transmit(request, address) },
    });
    return Object.assign(nodeVault as object, { token: '', namespace: '', pathPrefix: '' }) as NodeVault;
  }

  /** Says 200 for every answer, so that node-vault hands it on as it is. */
  async #transmit(request: NodeVaultRequest, address: ApiAddress): Promise<object> {
    const { method, uri, json, headers, signal } = request;
    const body = json === undefined ? undefined : JSON.stringify(json);
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const answer = await this.#transport.send({
      method,
      url: uri,
      address,
      headers: { ...headers, ...type },
      body,
      signal,
    });
    return { statusCode: 200, body: answer, request: { path: '' } };
  }
}

/** Whether a node could not reach the active one: it says so, or redirects to where nobody answers. */
function isUnled({ code, status = 0 }: SecretsError): boolean {
  return code === 'unavailable' && (status === 500 || isRedirect(status));
}

function unsent(cause: unknown): SecretsError {
  return new SecretsError('unavailable', {
    problem: 'The call failed before it was sent.',
    remedy: 'Nothing is wrong with the store or the settings; report it with the name of the cause.',
    cause,
  });
}
