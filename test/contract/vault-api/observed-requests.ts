import type { ContractServer } from './contract-suite.js';
import type { RawAnswer, RawCall } from './raw-client.js';

/** What a replay has learned on the way: ids and tokens that later requests need. */
export type Memory = Record<string, string>;

/** How to make a recorded request again. Method and path come from the record unless said otherwise. */
export interface Replay extends RawCall {
  readonly path?: string;
  /** What the recording did before and did not record. */
  readonly before?: (server: ContractServer, memory: Memory) => Promise<void>;
  readonly remember?: (answer: RawAnswer, memory: Memory) => void;
  /** The recording waited: the request is repeated until its status is the recorded one. */
  readonly waits?: boolean;
}

/** Recorded requests of endpoints that the dev server has not, each with the reason. */
export const NOT_IMPLEMENTED: readonly { readonly names: RegExp; readonly reason: string }[] = [
  { names: /^path GET \/$|^path GET \/ui\/$/, reason: 'no web interface' },
  { names: /^create ns$/, reason: 'no namespaces; every one but the root is refused' },
  { names: /^wrap jwt$/, reason: 'wrapping tokens come in one format' },
  {
    names:
      /^(enable transit|key|key read|key none|encrypt.*|decrypt.*|batch .*|sign|verify bad|random|hmac|delete key denied)$/,
    reason: 'no transit engine',
  },
  { names: /^(enable pki|pki .*)$/, reason: 'no PKI engine' },
  { names: /^(enable totp|totp .*)$/, reason: 'no TOTP engine' },
  { names: /^oidc /, reason: 'no identity tokens' },
  {
    names: /^(events|metrics|host-info|rand|openapi|pw policy none|version-history)$/,
    reason: 'system endpoints about the server process itself, random bytes, or password policies',
  },
];

const MERGE_PATCH = { 'Content-Type': 'application/merge-patch+json' };
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const WRAP = { 'X-Vault-Wrap-TTL': '60' };
const X = { body: { data: { x: 1 } } };
const CREATE_ROLE = [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`];

const nested = (depth: number) => ({
  raw: `{"data":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
});
const keys = (count: number) => ({
  body: { data: Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1])) },
});
const asToken =
  (name: string, call: RawCall = {}) =>
  (memory: Memory): Replay => ({ ...call, token: memory[name] ?? '' });
const rememberToken =
  (name: string) =>
  ({ body }: RawAnswer, memory: Memory) => {
    memory[name] = body.auth.client_token;
  };
const rememberWrapped =
  (name: string) =>
  ({ body }: RawAnswer, memory: Memory) => {
    memory[name] = body.wrap_info.token;
  };

/** The life of one kind of token: created, looked up, denied, renewed, revoked, used again. */
function tokenLife(kind: string, body: Record<string, unknown>): Record<string, RequestOf> {
  return {
    [`create ${kind}`]: {
      body,
      before: (server) => server.align(100),
      remember: rememberToken(kind),
    },
    [`lookup-self ${kind}`]: asToken(kind),
    [`denied ${kind}`]: asToken(kind),
    [`renew-self ${kind}`]: asToken(kind, { body: { increment: '1h' } }),
    [`revoke-self ${kind}`]: asToken(kind),
    [`after revoke ${kind}`]: asToken(kind),
  };
}

type RequestOf = Replay | ((memory: Memory) => Replay);

const lease =
  (call: RawCall['body'] = {}) =>
  (memory: Memory) => ({
    body: { lease_id: memory.lease, ...(call as object) },
  });
const secondLease = (memory: Memory) => ({ body: { lease_id: memory.secondLease } });

/** Bodies, tokens and headers of the recorded requests, by name. One that is not here was sent bare, as root. */
export const REQUESTS: Record<string, RequestOf> = {
  'kv2 write': { raw: '{"data":{"x":1,"n":null,"big":12345678901234567890,"e":1e3,"f":1.5}}' },
  'kv2 write raw big': {
    raw: '{"data":{"big":12345678901234567890,"e":1e3,"f":1.5,"h":"<&>","u":"é😀","z":0}}',
  },
  'kv2 write2': { body: { data: { x: 2 } } },
  'kv2 cas wrong': { body: { data: { x: 3 }, options: { cas: 1 } } },
  'kv2 cas 0 on existing': { body: { data: { x: 3 }, options: { cas: 0 } } },
  'kv2 no data': { body: {} },
  'kv2 null data': { body: { data: null } },
  'kv2 patch': { body: { data: { y: 1 } }, headers: MERGE_PATCH },
  'kv2 patch wrong ct': { body: { data: { y: 1 } } },
  'kv2 patch none': { body: { data: { y: 1 } }, headers: MERGE_PATCH },
  'kv2 undelete': { body: { versions: [3] } },
  'kv2 destroy': { body: { versions: [3] } },
  'kv2 patch destroyed': { body: { data: { y: 1 } }, headers: MERGE_PATCH },
  'kv2 write without data/': X,
  'kv2 custom md': { body: { custom_metadata: { k: 'v' }, delete_version_after: '1s' } },
  'kv2 write warn': X,
  'kv2 read auto-deleted': { waits: true },

  'path POST secret/data/a//b': X,
  'path POST secret/data/a/': X,
  'path POST secret/data/a%0ab': X,
  'path POST secret/data/a%20b': X,
  'path POST secret/data/%C3%A9': X,
  'path POST secret/data/a..b': X,
  'path POST secret/data/a/../b': X,
  'path POST nope/x': X,
  'path POST long': { ...X, path: `secret/data/${'k'.repeat(5_000)}` },

  'bad json': { raw: '{"data":' },
  'array body': { raw: '[1]' },
  'string body': { raw: '"x"' },
  'empty body': { raw: '' },
  'dup keys': { raw: '{"data":{"a":1,"a":2}}' },
  'trailing junk': { raw: '{"data":{"x":1}}x' },
  'form ct': { raw: 'data=x', headers: FORM },
  'deep json 50': nested(50),
  'deep json 200': nested(200),
  'deep json 298': nested(298),
  'deep json 299': nested(299),
  'deep json 320': nested(320),
  'deep json 500': nested(500),
  'deep json 501': nested(501),
  'deep json 2000': nested(2_000),
  'long string 2MiB': { body: { data: { s: 'x'.repeat(2 << 20) } } },
  'long string 900K': { body: { data: { s: 'x'.repeat(900_000) } } },
  'many keys 9000': keys(9_000),
  'many keys 11000': keys(11_000),
  'array 6000': { body: { data: { a: Array.from({ length: 6_000 }, () => 1) } } },
  'array 11000': { body: { data: { a: Array.from({ length: 11_000 }, () => 1) } } },
  'body 33MiB': { raw: JSON.stringify({ data: { s: 'x'.repeat(33 << 20) } }) },

  'no token': { token: null },
  'bad token': { token: 'bad' },
  'bad token s.': { token: 's.bad' },
  'empty token': { token: '' },
  'newline-ish token': { token: 's.bad%0atoken' },
  bearer: (memory) => ({ token: null, headers: { Authorization: `Bearer ${memory.root}` } }),
  'no token lookup-self': { token: null },
  'bad token lookup-self': { token: 'bad' },
  'no token, unknown mount': { token: null },
  'wrong ns': { headers: { 'X-Vault-Namespace': 'nope' } },
  'wrong ns health': { headers: { 'X-Vault-Namespace': 'nope' } },
  'wrong ns login': { headers: { 'X-Vault-Namespace': 'nope' }, body: { password: 'x' } },
  'ns root': { headers: { 'X-Vault-Namespace': 'root' } },
  'ns empty': { headers: { 'X-Vault-Namespace': '' } },
  'X-Vault-Index bogus': { headers: { 'X-Vault-Index': 'bogus' } },
  'X-Vault-Inconsistent': { headers: { 'X-Vault-Inconsistent': 'forward-active-node' } },

  policy: { body: { policy: 'path "secret/data/n" { capabilities = ["read"] }' } },
  ...tokenLife('service', { policies: ['p'], ttl: '60s' }),
  ...tokenLife('batch', { policies: ['p'], ttl: '60s', type: 'batch' }),
  ...tokenLife('periodic', { policies: ['p'], period: '60s' }),
  ...tokenLife('explicit', { policies: ['p'], ttl: '60s', explicit_max_ttl: '90s' }),
  ...tokenLife('nonrenew', { policies: ['p'], ttl: '60s', renewable: false }),
  ...tokenLife('orphan-md', { no_parent: true, ttl: '60s', meta: { a: 'b' }, display_name: 'd' }),
  ...tokenLife('over-max', { ttl: '9999h' }),
  ...tokenLife('uses2', { policies: ['p'], ttl: '60s', num_uses: 2 }),
  'uses2 read#2': asToken('uses2'),
  'uses2 read#3': asToken('uses2'),
  'create entity': { body: { entity_alias: 'somebody' } },
  'create uses1-list': {
    body: { policies: ['p'], ttl: '60s', num_uses: 1 },
    remember: rememberToken('uses1'),
  },
  'uses1 read': asToken('uses1'),
  'uses1 read again': asToken('uses1'),
  'expired token read': (memory) => ({
    before: async ({ call, eventually }) => {
      const { body } = await call('POST', 'auth/token/create', { body: { policies: ['p'], ttl: '1s' } });
      memory.expired = body.auth.client_token;
      const read = () => call('GET', 'secret/data/n', { token: body.auth.client_token });
      await eventually(async () => (await read()).status === 403);
    },
    token: memory.expired ?? '',
  }),
  'expired token lookup-self': asToken('expired'),
  'expired token renew-self': asToken('expired'),
  'lookup bad (root)': { body: { token: 'bad' } },
  'lookup-accessor bad': { body: { accessor: 'bad' } },
  'renew bad': { body: { token: 'bad' } },
  'revoke bad': { body: { token: 'bad' } },
  'revoke-accessor bad': { body: { accessor: 'bad' } },
  caps: { body: { paths: ['secret/data/n', 'x'] } },

  'enable approle': { body: { type: 'approle' } },
  'enable approle twice': { body: { type: 'approle' } },
  'enable unknown': { body: { type: 'zzz' } },
  role: {
    body: { token_policies: 'p', token_ttl: '30s', token_max_ttl: '60s', secret_id_num_uses: 1 },
  },
  'role-id': {
    remember: ({ body }, memory) => {
      memory.roleId = body.data.role_id;
    },
  },
  'wrapped secret-id': { headers: WRAP, remember: rememberWrapped('wrapped') },
  'wrap lookup': (memory) => ({ body: { token: memory.wrapped } }),
  'wrap lookup via own token': asToken('wrapped'),
  'wrap token lookup-self': asToken('wrapped'),
  'wrapped secret-id 2': { headers: WRAP, remember: rememberWrapped('wrapped2') },
  'unwrap own token': (memory) => ({
    token: memory.wrapped2 ?? '',
    remember: ({ body }) => {
      memory.secretId = body.data.secret_id;
    },
  }),
  'unwrap twice own token': asToken('wrapped2'),
  'unwrap twice body': (memory) => ({ body: { token: memory.wrapped2 } }),
  'unwrap twice body notoken': (memory) => ({ token: null, body: { token: memory.wrapped2 } }),
  'lookup used': (memory) => ({ body: { token: memory.wrapped2 } }),
  'unwrap garbage own': { token: 'garbage' },
  'unwrap garbage body': { body: { token: 'garbage' } },
  wrap: { headers: WRAP, body: { a: 1 }, remember: rememberWrapped('rewrap') },
  rewrap: (memory) => ({ body: { token: memory.rewrap } }),
  'wrap no ttl': { body: { a: 1 } },
  'wrap bad ttl': { headers: { 'X-Vault-Wrap-TTL': 'zz' } },
  'wrap 404': { headers: WRAP },
  'wrap kv': { headers: WRAP, remember: rememberWrapped('wrappedKv') },
  'unwrap kv (client token + body)': (memory) => ({ body: { token: memory.wrappedKv } }),
  'approle login': (memory) => ({
    token: null,
    body: { role_id: memory.roleId, secret_id: memory.secretId },
    before: (server) => server.align(100),
    remember: rememberToken('approle'),
  }),
  'approle login used sid': (memory) => ({
    token: null,
    body: { role_id: memory.roleId, secret_id: memory.secretId },
  }),
  'approle login bad role': { token: null, body: { role_id: 'bad', secret_id: 'bad' } },
  'approle login no sid': (memory) => ({ token: null, body: { role_id: memory.roleId } }),
  'approle login nothing': { token: null, body: {} },
  'approle login GET': { token: null },
  'approle renew': asToken('approle', { body: { increment: '1h' } }),
  'approle sid lookup bad': { body: { secret_id: 'bad' } },
  'enable userpass': { body: { type: 'userpass' } },
  user: { body: { password: 'right', token_policies: 'p' } },
  'userpass ok': { token: null, body: { password: 'right' } },
  ...Object.fromEntries(
    Array.from({ length: 7 }, (_, index) => [
      `userpass bad #${index}`,
      { token: null, body: { password: 'wrong' } },
    ]),
  ),
  'userpass right after lockout': { token: null, body: { password: 'right' } },
  'userpass unknown user': { token: null, body: { password: 'right' } },
  'userpass no password': { token: null, body: {} },

  'enable kv1': { body: { type: 'kv' } },
  'kv1 w': { body: { ttl: '30s', x: 1 } },
  'kv1 empty w': { body: {} },
  'cubby w': { body: { x: 1 } },

  'enable db': { body: { type: 'database' } },
  'db conf bad': databaseConfig('nope', 'wrong'),
  'db conf no plugin': { body: { plugin_name: 'nope' } },
  'db conf': databaseConfig(),
  'db role': {
    body: { db_name: 'pg', creation_statements: CREATE_ROLE, default_ttl: '6s', max_ttl: '10s' },
  },
  'db role bad sql': { body: { db_name: 'pg', creation_statements: ['nonsense'] } },
  'db role notallowed': { body: { db_name: 'pg', creation_statements: CREATE_ROLE } },
  'db creds': {
    before: (server) => server.align(100),
    remember: ({ body }, memory) => {
      memory.lease = body.lease_id;
    },
  },
  'lease lookup': lease(),
  'renew no inc': lease(),
  'renew beyond max': lease({ increment: '1h' }),
  'renew via path': (memory) => ({ path: `sys/leases/renew/${memory.lease}`, body: { increment: 2 } }),
  'renew string inc': lease({ increment: '2s' }),
  'renew neg inc': lease({ increment: -5 }),
  'renew again': lease({ increment: '1h' }),
  revoke: (memory) => ({
    before: async ({ call }) => {
      memory.secondLease = (await call('GET', 'database/creds/dyn')).body.lease_id;
    },
    ...secondLease(memory),
  }),
  'renew revoked': secondLease,
  'lookup revoked': secondLease,
  'revoke revoked': secondLease,
  'revoke async': secondLease,
  'renew garbage': { body: { lease_id: 'garbage' } },
  'renew empty': { body: {} },
  'renew expired (past max)': (memory) => ({
    before: async ({ call, eventually }) => {
      await eventually(async () => (await call('POST', 'sys/leases/lookup', lease()(memory))).status === 400);
    },
    ...lease()(memory),
  }),
  'lookup expired': lease(),
  'static role': {
    before: async ({ postgres }) => {
      await postgres.query(`CREATE ROLE vt_static_b LOGIN PASSWORD 'first'`);
    },
    body: { db_name: 'pg', username: 'vt_static_b', rotation_period: 86_400 },
  },
  'static role sched': { body: { db_name: 'pg', username: 'vt_static_b' } },
  'static role short period': {
    body: { db_name: 'pg', username: 'vt_static_b', rotation_period: '1s' },
  },
  'wrapped db creds': { headers: WRAP },
  'policy#2': { body: { policy: 'path "database/creds/dyn" { capabilities = ["read"] }' } },
  'db creds w/ batch token 4s': (memory) => ({
    before: async ({ call, align }) => {
      await align(700);
      const { body } = await call('POST', 'auth/token/create', {
        body: { type: 'batch', policies: ['db'], ttl: '4s' },
      });
      memory.batch4 = body.auth.client_token;
    },
    token: memory.batch4 ?? '',
  }),

  'X-Vault-MFA': { headers: { 'X-Vault-MFA': 'method:code' } },
  'gzip accept': { headers: { 'Accept-Encoding': 'gzip' } },
  'policy-override': { headers: { 'X-Vault-Policy-Override': 'true' } },
  'policy-override bad': { headers: { 'X-Vault-Policy-Override': 'bad' } },
  'X-Vault-Request': { headers: { 'X-Vault-Request': 'true' } },
  quota: { body: { rate: 3, interval: '1s' } },
  'rl login': { token: null, body: { role_id: 'any', secret_id: 'any' } },
  'quota block': { body: { rate: 2, interval: '1s', block_interval: '1s' }, waits: true },
  'quota del': { waits: true },
  'rl hdr config': { body: { enable_rate_limit_response_headers: true } },
  quota2: { body: { rate: 2, interval: '1s' } },
  'lease-count quota': { body: { max_leases: 3 }, waits: true },
  seal: { waits: true },
  'sealed POST auth/approle/login': { token: null, body: { role_id: 'any', secret_id: 'any' } },
  'sealed POST sys/wrapping/unwrap': { body: { token: 'any' } },
};

/** The recording's database; the port and the password are this run's. */
function databaseConfig(username?: string, password?: string): RequestOf {
  return (memory) => ({
    body: {
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${memory.port}/postgres?sslmode=disable`,
      username: username ?? 'postgres',
      password: password ?? memory.databasePassword,
      allowed_roles: ['dyn', 'st', 'over', 'badsql'],
    },
  });
}
