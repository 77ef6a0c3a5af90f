import { describe, expect, test } from 'vitest';
import { contractSuite } from './contract-suite.js';

const MERGE_PATCH = { 'Content-Type': 'application/merge-patch+json' };

contractSuite('KV version 2', {}, (server) => {
  const write = (path: string, data: unknown, options?: object) =>
    server().call('POST', `secret/data/${path}`, { body: { data, ...(options && { options }) } });
  const read = async (path: string, query = '') => {
    const { status, body } = await server().call('GET', `secret/data/${path}${query}`);
    return { status, data: body.data?.data, version: body.data?.metadata?.version, errors: body.errors };
  };

  test('every write is a new version, and each can be read', async () => {
    await write('versions', { v: 1 });
    await write('versions', { v: 2 });
    expect(await read('versions')).toMatchObject({ status: 200, data: { v: 2 }, version: 2 });
    expect(await read('versions', '?version=1')).toMatchObject({ data: { v: 1 }, version: 1 });
    expect(await read('versions', '?version=9')).toMatchObject({ status: 404, errors: [] });
  });

  test('check-and-set lets one of two writers win', async () => {
    expect((await write('cas', { v: 1 }, { cas: 0 })).status).toBe(200);
    const both = await Promise.all([
      write('cas', { v: 'a' }, { cas: 1 }),
      write('cas', { v: 'b' }, { cas: 1 }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  test('a mount or a key may require check-and-set', async () => {
    const { call } = server();
    await call('POST', 'secret/metadata/strict', { body: { cas_required: true } });
    expect((await write('strict', { v: 1 })).body.errors).toEqual([
      'check-and-set parameter required for this call',
    ]);
    expect((await write('strict', { v: 1 }, { cas: 0 })).status).toBe(200);
  });

  test('deleted comes back, destroyed does not', async () => {
    const { call } = server();
    await write('life', { v: 1 });
    await call('DELETE', 'secret/data/life');
    expect(await read('life')).toMatchObject({ status: 404, data: null, version: 1 });
    await call('POST', 'secret/undelete/life', { body: { versions: [1] } });
    expect(await read('life')).toMatchObject({ status: 200, data: { v: 1 } });
    await call('PUT', 'secret/destroy/life', { body: { versions: [1] } });
    await call('POST', 'secret/undelete/life', { body: { versions: [1] } });
    expect(await read('life')).toMatchObject({ status: 404, data: null });
  });

  test('old versions are deleted by number', async () => {
    await write('some', { v: 1 });
    await write('some', { v: 2 });
    await server().call('POST', 'secret/delete/some', { body: { versions: [1] } });
    expect((await read('some', '?version=1')).status).toBe(404);
    expect((await read('some')).status).toBe(200);
  });

  test('versions beyond the maximum are forgotten', async () => {
    const { call } = server();
    await call('POST', 'secret/metadata/few', { body: { max_versions: 2 } });
    for (const v of [1, 2, 3]) await write('few', { v });
    expect(await read('few', '?version=1')).toMatchObject({ status: 404, errors: [] });
    const { body } = await call('GET', 'secret/metadata/few');
    expect(Object.keys(body.data.versions)).toEqual(['2', '3']);
    expect(body.data).toMatchObject({ current_version: 3, oldest_version: 2, max_versions: 2 });
  });

  test('a version deletes itself after delete_version_after', async () => {
    const { call, eventually } = server();
    await call('POST', 'secret/metadata/brief', { body: { delete_version_after: '1s' } });
    await write('brief', { v: 1 });
    expect((await read('brief')).status).toBe(200);
    await eventually(async () => (await read('brief')).status === 404);
  });

  test('a patch merges, and null removes', async () => {
    await write('patched', { a: { b: 1, c: 2 }, d: 3 });
    await server().call('PATCH', 'secret/data/patched', {
      body: { data: { a: { b: null }, e: 4 } },
      headers: MERGE_PATCH,
    });
    expect(await read('patched')).toMatchObject({ data: { a: { c: 2 }, d: 3, e: 4 }, version: 2 });
  });

  test('subkeys show the shape and no value', async () => {
    await write('shape', { user: 'u', nested: { deep: { secret: 's' } } });
    const { text, body } = await server().call('GET', 'secret/subkeys/shape');
    expect(body.data.subkeys).toEqual({ user: null, nested: { deep: { secret: null } } });
    expect(text).not.toContain('"s"');
    const shallow = await server().call('GET', 'secret/subkeys/shape?depth=1');
    expect(shallow.body.data.subkeys).toEqual({ user: null, nested: null });
  });

  test('keys are listed by folder, narrowed, and scanned', async () => {
    const { call } = server();
    for (const path of ['list/a', 'list/b/c', 'list/b']) await write(path, { v: 1 });
    const keys = async (method: string, path: string) => (await call(method, path)).body.data.keys;
    expect(await keys('LIST', 'secret/metadata/list')).toEqual(['a', 'b', 'b/']);
    expect(await keys('GET', 'secret/metadata/list?list=true')).toEqual(['a', 'b', 'b/']);
    expect(await keys('LIST', 'secret/metadata/list?after=a&limit=1')).toEqual(['b']);
    expect(await keys('SCAN', 'secret/metadata/list')).toEqual(['a', 'b', 'b/c']);
    expect((await call('LIST', 'secret/metadata/list/nothing')).status).toBe(404);
  });

  test('deleting the metadata deletes everything', async () => {
    await write('gone', { v: 1 });
    await server().call('DELETE', 'secret/metadata/gone');
    expect(await read('gone')).toMatchObject({ status: 404, errors: [] });
    expect((await write('gone', { v: 2 })).body.data.version).toBe(1);
  });

  test('a field that nobody knows is named in a warning', async () => {
    const { body } = await server().call('POST', 'secret/data/warned', { body: { data: { v: 1 }, odd: 1 } });
    expect(body.warnings).toEqual(['Endpoint ignored these unrecognized parameters: [odd]']);
  });
});

contractSuite('KV version 1', {}, (server) => {
  describe('a mount of its own', () => {
    test('holds one value for each path, and a hint of its ttl', async () => {
      const { call } = server();
      await call('POST', 'sys/mounts/plain', { body: { type: 'kv', options: { version: '1' } } });
      expect((await call('PUT', 'plain/app/db', { body: { password: 'p', ttl: '90s' } })).status).toBe(204);
      const { body } = await call('GET', 'plain/app/db');
      expect(body).toMatchObject({
        data: { password: 'p', ttl: '90s' },
        lease_id: '',
        renewable: false,
        lease_duration: 90,
      });
      expect((await call('LIST', 'plain/app')).body.data.keys).toEqual(['db']);
      await call('DELETE', 'plain/app/db');
      expect((await call('GET', 'plain/app/db')).status).toBe(404);
    });

    test('gives 768 h where the value has no ttl', async () => {
      const { call } = server();
      await call('PUT', 'plain/app/other', { body: { password: 'p' } });
      expect((await call('GET', 'plain/app/other')).body.lease_duration).toBe(2_764_800);
    });
  });
});
