import type { IncomingMessage } from 'node:http';
import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import type { HttpAnswer } from './answer.js';
import type { ApiAddress } from './api-address.js';
import { type Connection, openConnection } from './connection.js';
import { isUntrusted, type NetworkFacts, networkError } from './network-error.js';
import { isRedirect, MAX_REDIRECTS, redirectTarget } from './redirect.js';
import { readBody } from './response-body.js';
import type { VaultSettings } from './vault-settings.js';

/** One request to the store. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  /** The place that `url` leads to. */
  readonly address: ApiAddress;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

/** What a failure says about where it was. */
type Whereabouts = Pick<NetworkFacts, 'where' | 'redirectedBy'>;

/**
 * Sends requests over kept connections, in place of node-vault's own client.
 *
 * What it does that node-vault's does not: heeds the signal, bounds the answer, follows a redirect only where the
 * token may go, tells the store's answers from a proxy's, keeps the digits of numbers, and rejects only with
 * errors that carry no header.
 */
export class Transport {
  readonly #settings: VaultSettings;
  #connection: Promise<Connection> | undefined;
  #hasWorked = false;

  constructor(settings: VaultSettings) {
    this.#settings = settings;
  }

  /**
   * Whether the settings are not to blame: a call has succeeded, or there are other addresses, of which the next one
   * must be called when one node has another certificate.
   */
  get #hasProof(): boolean {
    return this.#hasWorked || this.#settings.addresses.length > 1;
  }

  /** Sends `request` and reads the answer, whatever its status. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { socketPath, name } = request.address;
    let url = new URL(request.url);
    let redirectedBy: number | undefined;
    for (let redirects = 0; ; redirects++) {
      const where = { where: socketPath === undefined ? url.origin : name, redirectedBy };
      const { response, text } = await this.#exchange(url, request, where);
      const status = response.statusCode ?? 0;
      if (isRedirect(status)) {
        response.destroy();
        if (redirects === MAX_REDIRECTS) throw tooManyRedirects(status);
        const facts = { nodes: this.#settings.nodes, hasWorked: this.#hasProof };
        redirectedBy = status;
        url = redirectTarget(status, response.headers.location, url, facts);
        continue;
      }
      const content = await text.catch((failure: unknown) => {
        throw this.#failed(failure, where);
      });
      this.#hasWorked = true;
      return {
        status,
        body: readBody(response.headers['content-type'], content),
        retryAfterMs: retryAfterMs(response.headers['retry-after']),
        index: textHeader(response.headers['x-vault-index']),
      };
    }
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    connection?.agent.destroy();
  }

  async #exchange(url: URL, request: HttpRequest, where: Whereabouts): Promise<Exchange> {
    const connection = await this.#open();
    const bounded = { ...request, maxBytes: this.#settings.maxResponseBytes };
    try {
      return await exchange(connection, url, bounded);
    } catch (failure) {
      if (!isDroppedWhileIdle(failure, request)) throw this.#failed(failure, where);
    }
    return exchange(connection, url, bounded).catch((failure: unknown) => {
      throw this.#failed(failure, where);
    });
  }

  #open(): Promise<Connection> {
    this.#connection ??= openConnection(this.#settings.scheme, this.#settings.tls).catch((error) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }

  /** Authorities that do not know the server's certificate may have been replaced on disk: they are read again. */
  #failed(thrown: unknown, where: Whereabouts): SecretsError {
    if (isSecretsError(thrown)) return thrown;
    const failure = thrown instanceof Dropped ? thrown.failure : thrown;
    if (this.#settings.tls.caFile !== undefined && isUntrusted(failure)) this.#connection = undefined;
    return networkError(failure, { ...where, hasWorked: this.#hasProof });
  }
}

/** A failure of a connection that had been kept, before any of the answer came. */
class Dropped {
  constructor(readonly failure: unknown) {}
}

/** An answer that has begun, and its text when that has come. */
interface Exchange {
  readonly response: IncomingMessage;
  readonly text: Promise<string>;
}

function exchange(
  connection: Connection,
  url: URL,
  { method, headers, body, signal, address, maxBytes }: HttpRequest & { readonly maxBytes: number },
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const { socketPath } = address;
    const options = { method, headers, agent: connection.agent };
    const outgoing = connection.request(url, socketPath === undefined ? options : { ...options, socketPath });
    // In place of the option of that name, which watches the request as a stream for longer than it takes to send, and
    // lets go of one that waits for a connection only when it gets one.
    const leave = () => {
      const left = new Error('The caller left.');
      outgoing.destroy(left);
      reject(left);
    };
    signal.addEventListener('abort', leave, { once: true });
    outgoing.once('close', () => signal.removeEventListener('abort', leave));
    outgoing.once('response', (response) => {
      // At once: an answer that fails before anybody listens would end the process.
      const text = textOf(response, maxBytes);
      text.catch(() => {});
      resolve({ response, text });
    });
    outgoing.on('error', (failure) => reject(outgoing.reusedSocket ? new Dropped(failure) : failure));
    outgoing.end(body);
  });
}

/** The text of an answer, as long as it is not too long. By its events: an iterator would cost a turn for each piece. */
function textOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) response.destroy(tooLarge(response.statusCode, maxBytes));
      else chunks.push(chunk);
    });
    response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    response.once('error', reject);
  });
}

/**
 * Whether the other side had closed a kept connection that the request was sent on: then it was not answered for
 * that reason alone, and a read is sent once more on a new one, as RFC 9110 (9.2.2) allows.
 */
function isDroppedWhileIdle(failure: unknown, { method, signal }: HttpRequest): boolean {
  return failure instanceof Dropped && method === 'GET' && !signal.aborted;
}

/** A header that stands once. */
function textHeader(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

/** Whole seconds, at least one: a store that says 0 must not be asked again at once. Dates are left to the core's backoff. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Math.max(1, Number(header)) * 1_000 : undefined;
}

function tooLarge(status: number | undefined, limit: number): SecretsError {
  return new SecretsError('bad-response', {
    status,
    problem: `The answer is longer than ${limit} bytes.`,
    remedy: 'Raise maxResponseBytes if the secret is that large; else check what answers at address.',
  });
}

function tooManyRedirects(status: number): SecretsError {
  return new SecretsError('unavailable', {
    status,
    problem: `The request was redirected more than ${MAX_REDIRECTS} times.`,
    remedy: 'The cluster may have no active node; check api_addr of its nodes and the setting address.',
  });
}
