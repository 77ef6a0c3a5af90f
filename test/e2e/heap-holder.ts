import { setImmediate as turn } from 'node:timers/promises';
import { writeHeapSnapshot } from 'node:v8';
import { createSecrets, template } from '@keyturn/core';
import { token, vault } from '@keyturn/vault';

/*
 * A process that reads a hundred secrets and keeps them: prints how many it holds, writes what its heap holds to the
 * file that it is given, and prints `written`. With `revealed` it also keeps the text of each.
 */

const [file, count, how] = process.argv.slice(2) as [string, string, string];
const { VAULT_ADDR: address = '', VAULT_TOKEN = '' } = process.env;
const secrets = createSecrets({
  providers: { vault: vault({ address, auth: token({ token: VAULT_TOKEN }) }) },
});
const numbers = Array.from({ length: Number(count) }, (_, number) => number);
const held = await Promise.all(
  numbers.flatMap((number) => [
    secrets.getSecret(`vault:secret/app-${number}#key`),
    secrets.getSecret(template('db://app:{{key}}@host', `vault:secret/app-${number}`)),
  ]),
);
const revealed = how === 'revealed' ? held.map((secret) => secret.reveal()) : [];
// What the requests left behind is garbage once the sockets are idle.
for (let times = 0; times < 5; times++) {
  await turn();
  globalThis.gc?.();
}
writeHeapSnapshot(file);
console.log(`written: ${held.length} held, ${revealed.length} revealed`);
await secrets.close();
