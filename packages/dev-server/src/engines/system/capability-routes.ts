import { failed, refused } from '../../refusal.js';
import type { Reply } from '../../reply.js';
import { type Route, route } from '../../routing/route.js';
import type { Store } from '../../store.js';
import type { Token } from '../../tokens.js';

const PATHS = { path: 'texts', paths: 'texts' } as const;

/** `sys/capabilities*`: what a token may do on given paths. */
export function capabilityRoutes({ policies, tokens }: Store): readonly Route[] {
  const answer = (
    token: Token,
    { path, paths }: { path?: readonly string[] | undefined; paths?: readonly string[] | undefined },
  ): Reply => {
    const asked = paths?.length ? paths : (path ?? []);
    if (asked.length === 0) throw refused('paths must be supplied');
    const acl = policies.aclOf(token);
    const data = Object.fromEntries(asked.map((item) => [item, acl.capabilities(item.replace(/^\/+/, ''))]));
    const [only, ...others] = asked;
    return {
      data: others.length === 0 && only !== undefined ? { ...data, capabilities: data[only] } : data,
    };
  };
  return [
    route({
      pattern: 'capabilities-self',
      dataOnTop: true,
      fields: { ...PATHS, token: 'text' },
      on: { write: ({ caller, fields }) => answer(caller as Token, fields) },
    }),
    route({
      pattern: 'capabilities',
      dataOnTop: true,
      fields: { ...PATHS, token: 'text' },
      on: {
        write({ fields }) {
          if (!fields.token) throw failed('no token found');
          const token = tokens.find(fields.token);
          if (token === undefined) throw failed('invalid token', 400);
          return answer(token, fields);
        },
      },
    }),
    route({
      pattern: 'capabilities-accessor',
      dataOnTop: true,
      fields: { ...PATHS, accessor: 'text' },
      on: {
        write({ fields }) {
          const token = tokens.byAccessor(fields.accessor ?? '');
          if (token === undefined) throw failed('invalid accessor', 400);
          return answer(token, fields);
        },
      },
    }),
  ];
}
