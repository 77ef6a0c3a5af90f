import { timingSafeEqual } from 'node:crypto';
import type { HostClock } from '@keyturn/core/provider';
import type { Engine } from '../engine.js';
import { keysReply } from '../engines/key-listing.js';
import { failed, notFound, permissionDenied, refused } from '../refusal.js';
import type { TokenTerms } from '../reply.js';
import { route } from '../routing/route.js';
import { describeTerms, readTerms, TOKEN_FIELDS } from './token-terms.js';

/** After this many wrong passwords a user is locked out, for this long. */
const LOCKOUT_THRESHOLD = 5;
const LOCKOUT_MS = 900_000;

interface User {
  readonly password: string;
  readonly terms: TokenTerms;
  failures: number;
  lastFailureMs: number;
}

/** Users with passwords, locked out after five wrong ones. */
export function createUserpass(clock: HostClock): Engine {
  const users = new Map<string, User>();
  return {
    routes: [
      route({
        pattern: 'login/:name',
        access: 'public',
        fields: { password: 'text' },
        on: {
          write({ params, fields }) {
            const name = (params.name as string).toLowerCase();
            const user = users.get(name);
            if (user !== undefined && clock.wallMs() - user.lastFailureMs >= LOCKOUT_MS) user.failures = 0;
            if (user !== undefined && user.failures >= LOCKOUT_THRESHOLD) throw permissionDenied();
            if (!fields.password) throw failed('missing password');
            if (user === undefined || !same(user.password, fields.password)) {
              if (user !== undefined) {
                user.failures += 1;
                user.lastFailureMs = clock.wallMs();
              }
              throw refused('invalid username or password');
            }
            user.failures = 0;
            return {
              login: {
                alias: name,
                displayName: name,
                metadata: { username: name },
                terms: () => (users.get(name) ?? user).terms,
              },
            };
          },
        },
      }),
      route({ pattern: 'users/?', on: { list: () => keysReply([...users.keys()].sort()) } }),
      route({
        pattern: 'users/:name',
        exists: ({ name = '' }) => users.has(name.toLowerCase()),
        fields: { ...TOKEN_FIELDS, password: 'text' },
        on: {
          read({ params }) {
            const user = users.get((params.name as string).toLowerCase());
            if (user === undefined) throw notFound();
            return { data: describeTerms(user.terms) };
          },
          write({ params, fields }) {
            const name = (params.name as string).toLowerCase();
            const before = users.get(name);
            const password = fields.password ?? before?.password;
            if (!password) throw refused('must provide either password or password_hash');
            users.set(name, {
              password,
              terms: readTerms(fields, before?.terms),
              failures: 0,
              lastFailureMs: 0,
            });
            return undefined;
          },
          delete({ params }) {
            users.delete((params.name as string).toLowerCase());
            return undefined;
          },
        },
      }),
    ],
  };
}

function same(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
