import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { approle, jwt, kubernetes, token, tokenFile } from '@keyturn/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, unhurried } from './calls.js';

/** What a login is read with that opens no wrapping token. */
const reading = { ...unhurried, unwrap: () => Promise.reject(new Error('nothing is wrapped')) };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-vault-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('logins', () => {
  it('are sent to where their method is mounted', async () => {
    expect(await token({ token: 's.x' }).read(reading)).toEqual({ token: 's.x' });
    expect(await approle({ roleId: 'r', secretId: 's' }).read(reading)).toEqual({
      path: 'auth/approle/login',
      body: { role_id: 'r', secret_id: 's' },
    });
    expect(await jwt({ role: 'orders', jwt: 'a.b.c', mount: 'ci/gitlab' }).read(reading)).toEqual({
      path: 'auth/ci/gitlab/login',
      body: { role: 'orders', jwt: 'a.b.c' },
    });
  });

  it('F43: read their files anew each time', async () => {
    const file = join(folder, 'credential');
    const auths = [
      tokenFile({ path: file }),
      approle({ roleId: 'r', secretIdFile: file }),
      kubernetes({ role: 'orders', jwtFile: file }),
      jwt({ role: 'orders', jwtFile: file }),
    ];
    for (const auth of auths) {
      writeFileSync(file, 'first\n');
      expect(JSON.stringify(await auth.read(reading))).toContain('"first"');
      writeFileSync(file, 'second');
      expect(JSON.stringify(await auth.read(reading))).toContain('"second"');
    }
  });

  it.each([
    ['missing', undefined, /cannot be read/],
    ['empty', ' \n', /is empty/],
    ['of something else', 'CANARY {\n  "json": true\n}', /one word/],
  ])('F44: a file that is %s is named with its setting, not its content', async (_, content, problem) => {
    const file = join(folder, 'secret-id');
    if (content !== undefined) writeFileSync(file, content);
    const error = await failureOf(approle({ roleId: 'r', secretIdFile: file }).read(reading));
    expect(error.code).toBe('unauthenticated');
    expect(error.message).toMatch(problem);
    expect(error.message).toContain(file);
    expect(error.message).toContain('auth: approle.secretIdFile');
    expect(inspect(error)).not.toContain('CANARY');
  });

  it('let a caller go that has left', async () => {
    const auth = tokenFile({ path: join(folder, 'none') });
    expect((await failureOf(auth.read({ ...reading, signal: AbortSignal.abort() }))).code).toBe('aborted');
  });

  it('F49: show nothing of what they hold', () => {
    const secret = 'CANARY-value';
    for (const auth of [
      token({ token: secret }),
      approle({ roleId: 'r', secretId: secret }),
      jwt({ role: 'r', jwt: secret }),
    ]) {
      expect(inspect(auth, { depth: 9, showHidden: true }) + JSON.stringify(auth)).not.toContain(secret);
    }
  });
});
