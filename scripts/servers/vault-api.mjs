// @ts-check
import { readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/**
 * @typedef {object} VaultAnswer
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {any} body parsed JSON; the text as it is when it is none; undefined when empty
 */

/**
 * @typedef {object} VaultApi
 * @property {(method: string, path: string, body?: unknown, token?: string | null) => Promise<VaultAnswer>} call
 *   any answer, also a refusal; `token: null` sends none
 * @property {(method: string, path: string, body?: unknown, token?: string | null) => Promise<any>} api
 *   the parsed body; rejects with {@link VaultApiError} when the status is 400 or above
 */

/** A refusal: status and errors as the server gave them, none of what was sent. */
export class VaultApiError extends Error {
  /**
   * @param {string} method
   * @param {string} path
   * @param {VaultAnswer} answer
   */
  constructor(method, path, answer) {
    const errors = answer.body?.errors;
    super(`${method} ${path}: ${answer.status} ${Array.isArray(errors) ? errors.join('; ') : ''}`.trim());
    this.name = 'VaultApiError';
    this.status = answer.status;
    this.errors = Array.isArray(errors) ? errors : [];
  }
}

/**
 * Raw calls to whatever speaks Vault's HTTP API, for tests and set-up: no retry, no cache, a new connection each.
 *
 * `path` is what follows `/v1/`. `LIST` is a method as well.
 *
 * @param {object} server
 * @param {string} server.address
 * @param {string} server.token used where a call names none
 * @param {string | undefined} [server.caPath] PEM file of the authority to trust, for https
 * @param {number} [server.timeoutMs]
 * @returns {VaultApi}
 */
export function vaultApi({ address, token, caPath, timeoutMs = 30_000 }) {
  const send = address.startsWith('https:') ? requestHttps : requestHttp;
  const ca = caPath === undefined ? {} : { ca: readFileSync(caPath) };

  /** @type {VaultApi['call']} */
  function call(method, path, body, callToken = token) {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const request = send(
        `${address}/v1/${path}`,
        {
          method,
          agent: false,
          timeout: timeoutMs,
          ...ca,
          headers: {
            ...(callToken === null ? {} : { 'x-vault-token': callToken }),
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
          });
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed(text) }),
          );
        },
      );
      request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer`)));
      request.on('error', reject);
      request.end(payload);
    });
  }

  return {
    call,
    async api(method, path, body, callToken) {
      const answer = await call(method, path, body, callToken);
      if (answer.status >= 400) throw new VaultApiError(method, path, answer);
      return answer.body;
    },
  };
}

/** @param {string} text */
function parsed(text) {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
