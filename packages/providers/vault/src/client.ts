import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import { abortReason } from './abort-reason.js';
import { type Envelope, envelopeOf, type HttpAnswer } from './answer.js';
import { answerError } from './answer-error.js';
import type { Purpose } from './answer-row.js';
import { encodePath } from './api-path.js';
import { Transport } from './transport.js';
import type { VaultSettings } from './vault-settings.js';

/** One call of the store's API. */
export interface VaultCall {
  readonly purpose: Purpose;
  /** Below `/v1/`, safe and not yet encoded. */
  readonly path: string;
  readonly query?: string;
  /** Makes it a write. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly token?: string;
  readonly signal: AbortSignal;
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
 * It is loaded at the first call, for it takes 70 ms. The environment variables that it reads are overruled, its shared
 * token is never set, its commands (whose logins set it) do not exist, its debug output goes nowhere, and its
 * own reading of statuses is passed by: it would refuse a 202, take HTML for a secret, and put bodies into errors.
 */
export class VaultClient {
  readonly #settings: VaultSettings;
  readonly #transport: Transport;
  #nodeVault: Promise<NodeVault> | undefined;

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
      const answer = await this.#send(call, encodePath(path));
      const failure = answerError(answer, { purpose, path, capability, advice });
      if (failure !== undefined) throw failure;
      return envelopeOf(answer.body);
    } catch (error) {
      if (signal.aborted) throw abortReason(signal);
      throw isSecretsError(error) ? error : unsent(error);
    }
  }

  /** Closes every connection. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  async #send(call: VaultCall, encodedPath: string): Promise<HttpAnswer> {
    const { purpose, query, body, token, signal, inNamespace = true } = call;
    this.#nodeVault ??= this.#load();
    const nodeVault = await this.#nodeVault;
    signal.throwIfAborted();
    const { namespace } = this.#settings;
    const options = {
      signal,
      headers: {
        Accept: 'application/json',
        'User-Agent': 'keyturn-vault',
        'X-Vault-Request': 'true',
        ...(token === undefined ? {} : { 'X-Vault-Token': token }),
        ...(namespace === undefined || !inNamespace ? {} : { 'X-Vault-Namespace': namespace }),
      },
    };
    const encoded = query === undefined ? encodedPath : `${encodedPath}?${query}`;
    if (body !== undefined) return nodeVault.write(encoded, body, options);
    return purpose === 'list' ? nodeVault.list(encoded, options) : nodeVault.read(encoded, options);
  }

  async #load(): Promise<NodeVault> {
    const { default: createNodeVault } = await import('node-vault');
    const nodeVault = createNodeVault({
      endpoint: this.#settings.address,
      apiVersion: 'v1',
      commands: {},
      noCustomHTTPVerbs: true,
      debug: () => {},
      'request-promise': { defaults: () => (request: NodeVaultRequest) => this.#transmit(request) },
    });
    return Object.assign(nodeVault as object, { token: '', namespace: '', pathPrefix: '' }) as NodeVault;
  }

  /** Says 200 for every answer, so that node-vault hands it on as it is. */
  async #transmit({ method, uri, json, headers, signal }: NodeVaultRequest): Promise<object> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const answer = await this.#transport.send({
      method,
      url: uri,
      headers: { ...headers, ...type },
      body,
      signal,
    });
    return { statusCode: 200, body: answer, request: { path: '' } };
  }
}

function unsent(cause: unknown): SecretsError {
  return new SecretsError('unavailable', {
    problem: 'The call failed before it was sent.',
    remedy: 'Check that node-vault is installed beside @keyturn/vault.',
    cause,
  });
}
