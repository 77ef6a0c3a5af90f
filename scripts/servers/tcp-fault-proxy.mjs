// @ts-check
import { connect, createServer } from 'node:net';

/**
 * - `pass`: copies bytes both ways
 * - `refuse`: nothing listens, connections are refused; live ones are cut
 * - `hang`: live and new connections stay open and nothing flows until another mode is set
 * - `reset`: live and new connections are cut by a TCP reset
 *
 * @typedef {'pass' | 'refuse' | 'hang' | 'reset'} TcpFaultMode
 */

/**
 * @typedef {object} TcpFaultProxy
 * @property {'127.0.0.1'} host
 * @property {number} port
 * @property {(mode: TcpFaultMode) => Promise<void>} set
 * @property {() => number} opened how many connections have been opened since the start
 * @property {() => number} open how many are open now
 * @property {() => Promise<void>} stop idempotent
 */

/**
 * A TCP proxy on loopback before a server that does not speak HTTP, such as a database.
 *
 * @param {{ host?: string, port: number }} target
 * @returns {Promise<TcpFaultProxy>}
 */
export async function startTcpFaultProxy({ host = '127.0.0.1', port: targetPort }) {
  /** @type {TcpFaultMode} */
  let mode = 'pass';
  let opened = 0;
  /** @type {Set<readonly [import('node:net').Socket, import('node:net').Socket]>} */
  const pairs = new Set();

  const server = createServer((inner) => {
    opened += 1;
    inner.on('error', () => {});
    if (mode === 'reset') {
      inner.resetAndDestroy();
      return;
    }
    const outer = connect(targetPort, host);
    const pair = /** @type {const} */ ([inner, outer]);
    pairs.add(pair);
    outer.on('error', () => inner.resetAndDestroy());
    inner.on('close', () => {
      pairs.delete(pair);
      outer.destroy();
    });
    outer.on('close', () => inner.destroy());
    inner.setNoDelay(true);
    outer.setNoDelay(true);
    inner.on('data', (chunk) => outer.write(chunk));
    outer.on('data', (chunk) => inner.write(chunk));
    inner.on('end', () => outer.end());
    outer.on('end', () => inner.end());
    if (mode === 'hang') freeze(pair);
  });

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
  const cutAll = () => {
    for (const [inner] of pairs) inner.resetAndDestroy();
  };
  const shut = () =>
    /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        server.close(() => resolve());
        cutAll();
      })
    );

  await listen(0);
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;

  return {
    host: '127.0.0.1',
    port,
    async set(next) {
      mode = next;
      if (next === 'refuse' && server.listening) await shut();
      if (next !== 'refuse' && !server.listening) await listen(port);
      if (next === 'reset') cutAll();
      for (const pair of pairs) {
        if (next === 'hang') freeze(pair);
        else for (const socket of pair) socket.resume();
      }
    },
    opened: () => opened,
    open: () => pairs.size,
    async stop() {
      if (server.listening) await shut();
    },
  };
}

/** @param {readonly import('node:net').Socket[]} pair */
function freeze(pair) {
  for (const socket of pair) socket.pause();
}
