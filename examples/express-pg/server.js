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

process.on('SIGHUP', () => secrets.refresh(CREDENTIALS).catch((error) => console.log(error.message)));
process.once('SIGTERM', async () => {
  await new Promise((closed) => server.close(closed));
  await pool.end();
  await secrets.close();
});
