import pg from 'pg';
import { createApp } from './app.js';

const { VAULT_ADDR, VAULT_ROLE_ID, VAULT_SECRET_ID, PGHOST, PGPORT, PGDATABASE, PORT = '3000' } = process.env;

/** Reads the credentials once, at start-up, as services do. */
async function credentials() {
  const login = await fetch(`${VAULT_ADDR}/v1/auth/approle/login`, {
    method: 'POST',
    body: JSON.stringify({ role_id: VAULT_ROLE_ID, secret_id: VAULT_SECRET_ID }),
  });
  const { auth } = await login.json();
  const answer = await fetch(`${VAULT_ADDR}/v1/database/creds/orders`, {
    headers: { 'X-Vault-Token': auth.client_token },
  });
  return (await answer.json()).data;
}

const { username, password } = await credentials();
const pool = new pg.Pool({
  host: PGHOST,
  port: Number(PGPORT),
  database: PGDATABASE,
  user: username,
  password,
  max: 10,
});
pool.on('error', () => {});

const app = createApp(pool);
const server = app.listen(Number(PORT), () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => process.exit());
