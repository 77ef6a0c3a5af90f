import { createSecrets } from '@keyturn/core';
import { createPool } from '@keyturn/pg';
import { approle, vault } from '@keyturn/vault';
import { createApp } from './app.js';

const { VAULT_ADDR, VAULT_ROLE_ID, VAULT_SECRET_ID, PGHOST, PGPORT, PGDATABASE, PORT = '3000' } = process.env;
const CREDENTIALS = 'vault:database/creds/orders';

const secrets = createSecrets({
  providers: {
    vault: vault({
      address: VAULT_ADDR,
      auth: approle({ roleId: VAULT_ROLE_ID, secretId: VAULT_SECRET_ID }),
    }),
  },
});
const pool = createPool(secrets, CREDENTIALS, {
  host: PGHOST,
  port: Number(PGPORT),
  database: PGDATABASE,
  max: 10,
});
// As for any pg.Pool: an idle connection may end at any time, and unheard, that would end the process.
pool.on('error', ({ code }) => console.log(`an idle connection ended: ${code}`));
await secrets.ready();

secrets.on('secret-rotated', ({ version }) => console.log(`now using ${version}`));
secrets.on('refresh-failed', ({ code, retryInMs }) =>
  console.log(`refresh failed: ${code}, again in ${retryInMs} ms`),
);

const app = createApp(pool);
app.get('/status', (_request, response) => {
  response.json({ health: secrets.health(), secrets: secrets.inventory() });
});
const server = app.listen(Number(PORT), () => console.log(`listening on ${server.address().port}`));

process.on('SIGHUP', () => secrets.rotate(CREDENTIALS).catch((error) => console.log(error.message)));

// Once the server closes, each answer is the last of its connection; else clients that keep theirs keep it open.
server.prependListener('request', (_request, response) => {
  if (!server.listening) response.setHeader('Connection', 'close');
});
process.once('SIGTERM', async () => {
  const closed = new Promise((resolve) => server.close(resolve));
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
  await closed;
  await pool.end();
  await secrets.close();
});
