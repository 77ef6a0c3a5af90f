import { expect, test } from 'vitest';
import { contractSuite } from './contract-suite.js';

contractSuite('policies', {}, (server) => {
  let count = 0;
  /** A token with one fresh policy. */
  const tokenWith = async (policy: string) => {
    const { call } = server();
    const name = `rules-${++count}`;
    expect((await call('PUT', `sys/policies/acl/${name}`, { body: { policy } })).status).toBe(204);
    const { body } = await call('POST', 'auth/token/create', { body: { policies: [name] } });
    return body.auth.client_token as string;
  };
  const capabilities = async (token: string, paths: string[]) => {
    const { body } = await server().call('POST', 'sys/capabilities-self', { token, body: { paths } });
    return paths.map((path) => body.data[path].join(' '));
  };

  test('each capability opens its own method', async () => {
    const { call } = server();
    const token = await tokenWith(`
      path "secret/data/read" { capabilities = ["read"] }      # nothing else
      path "secret/data/new" { capabilities = ["create"] }     // not twice
      path "secret/data/old" { capabilities = ["update"] }     /* not the first time */
      path "secret/metadata/" { capabilities = ["list"] }`);
    const status = async (method: string, path: string) =>
      (await call(method, path, { token, ...(method === 'POST' && { body: { data: { v: 1 } } }) })).status;
    await call('POST', 'secret/data/read', { body: { data: { v: 1 } } });
    expect(await status('GET', 'secret/data/read')).toBe(200);
    expect(await status('POST', 'secret/data/read')).toBe(403);
    expect(await status('DELETE', 'secret/data/read')).toBe(403);
    expect(await status('POST', 'secret/data/old')).toBe(403);
    expect(await status('POST', 'secret/data/new')).toBe(200);
    expect(await status('POST', 'secret/data/new')).toBe(403);
    expect(await status('LIST', 'secret/metadata')).toBe(200);
    expect(await status('GET', 'nowhere/at/all')).toBe(403);
  });

  test.each([
    [
      'an exact path beats a glob',
      'path "a/b" { capabilities = ["read"] } path "a/*" { capabilities = ["deny"] }',
      'read',
    ],
    [
      'a longer glob beats a shorter',
      'path "a/*" { capabilities = ["read"] } path "*" { capabilities = ["deny"] }',
      'read',
    ],
    [
      'a later first wildcard wins',
      'path "a/+" { capabilities = ["read"] } path "+/b" { capabilities = ["deny"] }',
      'read',
    ],
    [
      'no glob beats a glob',
      'path "a/+" { capabilities = ["read"] } path "a/*" { capabilities = ["deny"] }',
      'read',
    ],
    [
      'fewer plus signs win',
      'path "+/b/c" { capabilities = ["deny"] } path "+/+/c" { capabilities = ["read"] }',
      'deny',
      'x/b/c',
    ],
    [
      'the same path adds up',
      'path "a/b" { capabilities = ["read"] } path "a/b" { capabilities = ["list"] }',
      'list read',
    ],
    [
      'deny wins on the same path',
      'path "a/b" { capabilities = ["read"] } path "a/b" { capabilities = ["deny"] }',
      'deny',
    ],
    ['a plus is one segment', 'path "a/+/c" { capabilities = ["read"] }', 'deny', 'a/b/x/c'],
    [
      'a plus may be followed by a glob',
      'path "+/b/*" { capabilities = ["update", "sudo"] }',
      'sudo update',
      'a/b/c/d',
    ],
    ['a glob matches its own prefix', 'path "a/b*" { capabilities = ["patch"] }', 'patch'],
    ['nothing is denied', '', 'deny'],
  ])('%s', async (_name, policy, expected, path = 'a/b') => {
    const token = await tokenWith(policy || 'path "other" { capabilities = ["read"] }');
    expect(await capabilities(token, [path])).toEqual([expected]);
  });

  test('JSON says the same as HCL', async () => {
    const token = await tokenWith(
      JSON.stringify({
        path: { 'a/*': { capabilities: ['read', 'list'] }, 'a/b': { capabilities: ['deny'] } },
      }),
    );
    expect(await capabilities(token, ['a/x', 'a/b'])).toEqual(['list read', 'deny']);
  });

  test('the older form of a grant', async () => {
    const token = await tokenWith('path "a" { policy = "write" }');
    expect(await capabilities(token, ['a'])).toEqual(['create delete list read update']);
  });

  test('a change counts for tokens that exist', async () => {
    const { call } = server();
    const token = await tokenWith('path "a" { capabilities = ["read"] }');
    await call('PUT', `sys/policies/acl/rules-${count}`, {
      body: { policy: 'path "a" { capabilities = ["update"] }' },
    });
    expect(await capabilities(token, ['a'])).toEqual(['update']);
    await call('DELETE', `sys/policies/acl/rules-${count}`);
    expect(await capabilities(token, ['a'])).toEqual(['deny']);
  });

  test('sudo is needed for the endpoints of the root', async () => {
    const { call } = server();
    const without = await tokenWith('path "sys/*" { capabilities = ["create", "update", "list", "read"] }');
    const withSudo = await tokenWith(
      'path "sys/*" { capabilities = ["create", "update", "list", "read", "sudo"] }',
    );
    const ask = async (token: string) => (await call('LIST', 'sys/leases/lookup/auth', { token })).status;
    expect([await ask(without), await ask(withSudo)]).toEqual([403, 200]);
  });

  test.each([
    ['path "a" { capabilities = ["fly"] }', 'invalid capability "fly"'],
    [
      'path "a" { capabilities = ["read"',
      'At 1:34: error parsing list, expected comma or list end, got: EOF',
    ],
    ['path "a" { unknown = 1 }', 'invalid key "unknown" on line 1'],
    ['paths "a" { }', 'invalid key "paths" on line 0'],
    ['path "a/+*" { capabilities = ["read"] }', `invalid use of wildcards ('+*' is forbidden)`],
  ])('%s is refused', async (policy, reason) => {
    const { status, body } = await server().call('PUT', 'sys/policies/acl/bad', { body: { policy } });
    expect(status).toBe(400);
    expect(body.errors[0]).toContain(`failed to parse policy: `);
    expect(body.errors[0]).toContain(reason);
  });

  test('policies are listed, read and deleted; root and default stay', async () => {
    const { call } = server();
    await call('PUT', 'sys/policies/acl/Shown', { body: { policy: 'path "a" { capabilities = ["read"] }' } });
    expect((await call('LIST', 'sys/policies/acl')).body.data.keys).toEqual(
      expect.arrayContaining(['default', 'root', 'shown']),
    );
    expect((await call('GET', 'sys/policies/acl/shown')).body.data).toMatchObject({
      name: 'shown',
      policy: 'path "a" { capabilities = ["read"] }',
    });
    expect((await call('DELETE', 'sys/policies/acl/shown')).status).toBe(204);
    expect((await call('GET', 'sys/policies/acl/shown')).status).toBe(404);
    expect((await call('DELETE', 'sys/policies/acl/root')).status).toBe(400);
    expect((await call('DELETE', 'sys/policies/acl/default')).status).toBe(400);
  });
});
