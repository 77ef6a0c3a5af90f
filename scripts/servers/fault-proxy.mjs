// @ts-check
import { readFileSync } from 'node:fs';
import { createServer, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What the proxy does with a request:
 * - `pass`: hands it on
 * - `refuse`: nothing listens, connections are refused
 * - `hang`: takes it and answers nothing; once another mode is set, that mode answers
 * - `reset`: cuts the connection by a TCP reset
 * - `latency`: waits `ms` milliseconds, then hands it on
 * - `html`: answers 200 with a page for browsers, as a captive portal or a wrong ingress does
 * - `status`: answers `status` with `body` (JSON unless it is text) and `headers`
 * - `cut`: hands it on, gives back half of the answer's body, then resets
 *
 * @typedef {'pass' | 'refuse' | 'hang' | 'reset' | 'html' | 'cut' | { latency: number }
 *   | { status: number, body?: unknown, headers?: Record<string, string> }} FaultMode
 */

/**
 * One request as it came.
 * @typedef {{ readonly method: string, readonly path: string }} SeenRequest
 */

/**
 * @typedef {object} FaultProxy
 * @property {string} address
 * @property {number} port
 * @property {(mode: FaultMode, only?: FaultScope) => Promise<void>} set
 *   from here on; with a scope, what is outside of it passes
 * @property {() => readonly SeenRequest[]} requests every request since the start or the last `forget`, in order
 * @property {(method?: string, path?: string | RegExp) => number} count how many of them match
 * @property {() => void} forget
 * @property {() => Promise<void>} stop idempotent
 *
 * @typedef {object} FaultScope
 * @property {(request: SeenRequest) => boolean} [when] default: every request
 * @property {number} [times] after so many faults it passes again
 */

/**
 * An HTTP proxy on loopback before a server, which fails on demand and counts what reaches it.
 *
 * @param {{ address: string, caPath?: string | undefined }} target the proxy itself always speaks plain HTTP
 * @returns {Promise<FaultProxy>}
 */
export async function startFaultProxy({ address: target, caPath }) {
  const send = target.startsWith('https:') ? requestHttps : requestHttp;
  const ca = caPath === undefined ? {} : { ca: readFileSync(caPath) };
  /** @type {SeenRequest[]} */
  const seen = [];
  /** @type {Set<() => void>} */
  const hung = new Set();
  /** @type {FaultMode} */
  let mode = 'pass';
  /** @type {(request: SeenRequest) => boolean} */
  let applies = () => true;
  let timesLeft = Infinity;

  const server = createServer(async (request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const path = request.url ?? '/';
    const one = { method: request.method ?? 'GET', path };
    seen.push(one);
    response.on('error', () => {});
    await answer(one, request, response, body);
  });
  server.keepAliveTimeout = 60_000;

  /**
   * @param {SeenRequest} one
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   * @param {Buffer} body
   * @returns {Promise<void>}
   */
  async function answer(one, request, response, body) {
    const current = faultFor(one);
    if (current === 'hang') {
      await new Promise((resolve) => hung.add(() => resolve(undefined)));
      return answer(one, request, response, body);
    }
    if (current === 'refuse' || current === 'reset') {
      request.socket.resetAndDestroy();
    } else if (current === 'html') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>');
    } else if (typeof current === 'object' && 'status' in current) {
      const { status, body: given = { errors: [] }, headers = {} } = current;
      const text = typeof given === 'string' ? given : JSON.stringify(given);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(text);
    } else {
      if (typeof current === 'object') await sleep(current.latency);
      forward(request, response, body, current === 'cut');
    }
  }

  /** @param {SeenRequest} one @returns {FaultMode} */
  function faultFor(one) {
    if (mode === 'pass' || timesLeft <= 0 || !applies(one)) return 'pass';
    timesLeft -= 1;
    return mode;
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   * @param {Buffer} body
   * @param {boolean} cut
   */
  function forward(request, response, body, cut) {
    const headers = { ...request.headers, 'content-length': String(body.length), connection: 'close' };
    delete headers['transfer-encoding'];
    const upstream = send(target + request.url, { method: request.method, headers, agent: false, ...ca });
    // The caller sees what it would have seen without the proxy: a connection that broke.
    upstream.on('error', () => request.socket.resetAndDestroy());
    upstream.on('response', (incoming) => {
      const { connection: _, ...kept } = incoming.headers;
      response.writeHead(incoming.statusCode ?? 502, kept);
      incoming.on('error', () => request.socket.resetAndDestroy());
      if (!cut) {
        incoming.pipe(response);
        return;
      }
      /** @type {Buffer[]} */
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('end', () => {
        const whole = Buffer.concat(chunks);
        response.write(whole.subarray(0, whole.length >> 1), () => request.socket.resetAndDestroy());
      });
    });
    response.on('close', () => upstream.destroy());
    upstream.end(body);
  }

  const listen = (/** @type {number} */ port) =>
    /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          server.off('error', reject);
          resolve();
        });
      })
    );
  const shut = () =>
    /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      })
    );

  await listen(0);
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;

  return {
    address: `http://127.0.0.1:${port}`,
    port,
    async set(next, { when = () => true, times = Infinity } = {}) {
      if (next === 'refuse' && (times !== Infinity || when({ method: '', path: '' }) !== true)) {
        throw new Error('refuse closes the listener, so it has no scope; use reset');
      }
      mode = next;
      applies = when;
      timesLeft = times;
      if (next === 'refuse' && server.listening) await shut();
      if (next !== 'refuse' && !server.listening) await listen(port);
      if (next !== 'hang') {
        for (const release of hung) release();
        hung.clear();
      }
    },
    requests: () => seen,
    count: (method, path) =>
      seen.filter(
        (one) =>
          (method === undefined || one.method === method) &&
          (path === undefined || (typeof path === 'string' ? one.path === path : path.test(one.path))),
      ).length,
    forget() {
      seen.length = 0;
    },
    async stop() {
      if (server.listening) await shut();
    },
  };
}
