import type { Engine } from '../engine.js';
import { keysReply } from '../engines/key-listing.js';
import { failed, type Refusal, refused } from '../refusal.js';
import type { Reply } from '../reply.js';
import { type Handler, route } from '../routing/route.js';
import { authBlock, describeToken } from '../token-description.js';
import type { Token, Tokens } from '../tokens.js';
import { CREATE_FIELDS, createToken, type TokenApiParts } from './token-creation.js';

const BY_TOKEN = { token: 'text', increment: 'seconds' } as const;
const BY_ACCESSOR = { accessor: 'text', increment: 'seconds' } as const;

/** `auth/token`: making, looking up, renewing and revoking tokens. */
export function createTokenApi(parts: TokenApiParts): Engine {
  const { clock, tokens, policies } = parts;
  const known = (id: string | undefined, missing: () => Refusal, unknown: () => Refusal): Token => {
    if (!id) throw missing();
    const token = tokens.find(id);
    if (token === undefined) throw unknown();
    return token;
  };
  const byAccessor = (accessor: string | undefined): Token => {
    if (!accessor) throw failed('missing accessor', 400);
    const token = tokens.byAccessor(accessor);
    if (token === undefined) throw failed('invalid accessor', 400);
    return token;
  };
  const missingId = () => refused('missing token ID');
  const renew = (token: Token, incrementSeconds = 0): Reply => {
    const warnings = tokens.renew(token, incrementSeconds);
    return { auth: authBlock(token), warnings };
  };
  const lookup: Handler<{ token: 'text' }> = ({ fields, caller }) => {
    const id = fields.token || (caller as Token).id;
    const token = known(id, missingId, () => refused('bad token', 403));
    return { data: describeToken(token, clock.wallMs()) };
  };

  return {
    routes: [
      route({
        pattern: 'create',
        fields: CREATE_FIELDS,
        on: { write: (call) => createToken(parts, call, false) },
      }),
      route({
        pattern: 'create-orphan',
        fields: CREATE_FIELDS,
        on: { write: (call) => createToken(parts, call, true) },
      }),
      route({ pattern: 'lookup', fields: { token: 'text' }, on: { read: lookup, write: lookup } }),
      route({
        pattern: 'lookup-self',
        on: {
          read: ({ caller }) => ({ data: describeToken(caller as Token, clock.wallMs()) }),
          write: ({ caller }) => ({ data: describeToken(caller as Token, clock.wallMs()) }),
        },
      }),
      route({
        pattern: 'lookup-accessor',
        fields: { accessor: 'text' },
        on: {
          write: ({ fields }) => ({
            data: { ...describeToken(byAccessor(fields.accessor), clock.wallMs()), id: '' },
          }),
        },
      }),
      route({
        pattern: 'renew',
        fields: BY_TOKEN,
        on: {
          write: ({ fields }) =>
            renew(
              known(fields.token, missingId, () => refused('token not found')),
              fields.increment,
            ),
        },
      }),
      route({
        pattern: 'renew-self',
        fields: BY_TOKEN,
        on: { write: ({ fields, caller }) => renew(caller as Token, fields.increment) },
      }),
      route({
        pattern: 'renew-accessor',
        fields: BY_ACCESSOR,
        on: {
          write({ fields }) {
            const reply = renew(byAccessor(fields.accessor), fields.increment);
            return { ...reply, auth: { ...reply.auth, client_token: '' } };
          },
        },
      }),
      route({
        pattern: 'revoke',
        fields: BY_TOKEN,
        on: {
          write({ fields }) {
            if (!fields.token) throw missingId();
            const token = tokens.find(fields.token);
            if (token !== undefined) revocable(tokens, token);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'revoke-self',
        on: {
          write({ caller }) {
            revocable(tokens, caller as Token);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'revoke-accessor',
        fields: BY_ACCESSOR,
        on: {
          write({ fields }) {
            if (!fields.accessor) throw failed('missing accessor', 400);
            const token = tokens.byAccessor(fields.accessor);
            if (token === undefined) return { data: null, warnings: ['No token found with this accessor'] };
            tokens.revoke(token);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'revoke-orphan',
        fields: BY_TOKEN,
        on: {
          write({ fields, caller }) {
            const path = 'auth/token/revoke-orphan';
            if (!policies.aclOf(caller as Token).allows(path, 'sudo')) {
              throw refused('root or sudo privileges required to revoke and orphan');
            }
            const token = known(fields.token, missingId, () => refused('token to revoke not found'));
            tokens.revokeOrphaning(token);
            return undefined;
          },
        },
      }),
      route({
        pattern: 'accessors/?',
        access: 'sudo',
        on: { list: () => keysReply(tokens.accessors().sort()) },
      }),
    ],
  };
}

function revocable(tokens: Tokens, token: Token): void {
  if (token.definition.type === 'batch') throw refused('batch tokens cannot be revoked');
  tokens.revoke(token);
}
