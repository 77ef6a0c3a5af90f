/**
 * Runs the example of every README as a reader would: the built and packed packages, a fresh folder, the servers that
 * it says it needs.
 *
 * An example is the first block of a README that begins with three backticks and `js` or `ts`; others run when they
 * have a comment of their own. The comment on the line before names what the example needs:
 *
 *     <!-- example: needs postgres openbao -->
 *
 * It finds in its environment
 * - with `openbao`: VAULT_ADDR, VAULT_TOKEN (it may read leases, and read and write below `secret/`),
 *   VAULT_ROLE_ID and VAULT_SECRET_ID (it may only read), and at `secret/orders` and `secret/app` the fields
 *   `stripe_key`, `username`, `password`
 * - with `postgres`: PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD (of a superuser), and a table
 *   `orders (id, item, quantity)`
 * - with `ministack`: AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY of an empty account
 * - with `postgres` and `openbao`: leases at `database/creds/app` and `database/creds/orders`, a static role at
 *   `database/static-creds/app-static`
 *
 * It must end by itself, with exit code 0, within a minute, and not print a credential of its environment.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rootDir, workspacePackages } from '../../scripts/tooling/workspace-packages.mjs';
import { requireServer } from '../servers/require-server.js';
import { exampleServers } from './example-servers.js';
import { type PackedPackages, packPackages } from './packed-packages.js';
import { type ReadmeExample, readmeExamples } from './readme-example.js';

const readmes = [
  'README.md',
  'docs/how-to/test-your-service.md',
  ...workspacePackages().map(({ folder }) => `${folder}/README.md`),
];

let packed: PackedPackages;
const servers = exampleServers();

beforeAll(async () => {
  packed = await packPackages();
}, 300_000);
afterAll(async () => {
  await servers.stop();
  packed?.remove();
});

describe.each(readmes)('%s', (readme) => {
  const file = join(rootDir, readme);
  const examples = existsSync(file) ? readmeExamples(readFileSync(file, 'utf8')) : [];

  test('has an example', () => {
    expect(examples).not.toHaveLength(0);
  });

  for (const example of examples) {
    const runnable = example.needs.length === 0 || requireServer(...example.needs);
    test.skipIf(!runnable)(`line ${example.line} runs`, async () => {
      const { status, output } = await run(example, await servers.env(example.needs));
      expect(status, output).toBe(0);
      for (const secret of servers.secrets()) expect(output.includes(secret), 'prints a secret').toBe(false);
    });
  }
});

function run(
  { language, code }: ReadmeExample,
  given: Record<string, string>,
): Promise<{ status: number | null; output: string }> {
  const folder = packed.installAll();
  packed.link(folder, importedBy(code));
  const file = join(folder, language === 'ts' ? 'example.mts' : 'example.mjs');
  writeFileSync(file, code);
  const loader = language === 'ts' ? ['--import', 'tsx'] : [];
  if (language === 'ts') packed.link(folder, ['tsx']);
  const env = { PATH: process.env.PATH, HOME: folder, ...given };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...loader, file], { cwd: dirname(file), env, timeout: 60_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

/** The packages that an example imports and that are not ours: what its reader would install as well. */
function importedBy(code: string): string[] {
  const names = ts.preProcessFile(code).importedFiles.map(({ fileName }) =>
    fileName
      .split('/')
      .slice(0, fileName.startsWith('@') ? 2 : 1)
      .join('/'),
  );
  return names.filter((name) => !isBuiltin(name) && !name.startsWith('@keyturn/') && !name.startsWith('.'));
}
