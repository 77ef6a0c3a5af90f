import { oneError, permissionDenied, refused } from '../../refusal.js';
import { type Call, type Route, route } from '../../routing/route.js';
import type { Store } from '../../store.js';
import { rfc3339 } from '../../time/rfc3339.js';

const TOKEN = { token: 'text' } as const;
type TokenCall = Call<typeof TOKEN>;

/**
 * `sys/wrapping`: taking a wrapped answer out, once.
 *
 * The wrapping token may be the caller's own, or named in the body by a caller who may use the endpoint. A lookup is
 * open to whoever knows the token and spends nothing.
 */
export function wrappingRoutes({ wrapping, tokens, policies }: Store): readonly Route[] {
  const named = ({ fields, callerId }: TokenCall) => {
    const id = fields.token || callerId;
    if (!id) throw refused('error validating wrapping token: token is empty', 403);
    const found = wrapping.find(id);
    if (found === undefined) throw refused('wrapping token is not valid or does not exist');
    return found;
  };
  const mayUse = ({ caller }: TokenCall, path: string) =>
    caller !== undefined && policies.aclOf(caller).allows(path, 'update');

  const lookup = (call: TokenCall) => {
    const { wrapped } = named(call);
    return {
      data: {
        creation_path: wrapped.creationPath,
        creation_time: rfc3339(wrapped.creationMs),
        creation_ttl: Math.trunc(wrapped.ttlSeconds),
      },
    };
  };

  return [
    route({
      pattern: 'wrapping/wrap',
      anyFields: true,
      on: {
        write({ data, wrapTtlSeconds }) {
          if (!wrapTtlSeconds) throw refused('endpoint requires response wrapping to be used');
          return { data };
        },
      },
    }),
    route({
      pattern: 'wrapping/lookup',
      access: 'public',
      fields: TOKEN,
      on: { read: lookup, write: lookup },
    }),
    route({
      pattern: 'wrapping/unwrap',
      access: 'public',
      fields: TOKEN,
      on: {
        write(call) {
          const { token, wrapped } = named(call);
          if (!mayUse(call, 'sys/wrapping/unwrap')) throw permissionDenied();
          tokens.revoke(token);
          return { verbatim: wrapped.answer };
        },
      },
    }),
    route({
      pattern: 'wrapping/rewrap',
      access: 'public',
      fields: TOKEN,
      on: {
        write(call) {
          const { token, wrapped } = named(call);
          if (token === call.caller) {
            tokens.revoke(token);
            throw refused(oneError('permission denied'), 403);
          }
          if (!mayUse(call, 'sys/wrapping/rewrap')) throw permissionDenied();
          tokens.revoke(token);
          return { wrapInfo: wrapping.wrap(wrapped) };
        },
      },
    }),
  ];
}
