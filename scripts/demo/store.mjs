import { findOpenBao, startOpenBao } from '../servers/openbao.mjs';

/**
 * Starts the secret store: a real OpenBao where the machine has one, otherwise Keyturn's own in-process store,
 * which speaks the same HTTP API.
 *
 * @returns {Promise<{ name: string, address: string, rootToken: string, stop: () => Promise<void> }>}
 */
export async function startStore() {
  if (findOpenBao() !== undefined) {
    const server = await startOpenBao();
    return { name: 'OpenBao', address: server.address, rootToken: server.rootToken, stop: server.stop };
  }
  const { createDevServer } = await import('@keyturn/dev-server');
  const server = createDevServer();
  await server.start();
  const { address, rootToken } = server;
  return { name: "Keyturn's dev server", address, rootToken, stop: () => server.close() };
}
