import { asStore, json, kv, type ScriptedServer, type Seen, startScripted } from './scripted-server.js';

/** Who is let in by a login: a name for its token, or the reason why not. */
export type Admission = { readonly token: string } | { readonly refusal: string };

/**
 * A store that knows one way to log in, for methods that the real one at hand lacks. It answers to a login as the
 * others do: a token of two seconds that can be renewed for one.
 */
export function startStandIn(
  path: RegExp,
  admit: (request: Seen) => Promise<Admission>,
): Promise<ScriptedServer> {
  return startScripted(
    asStore((request, response) => {
      const { url } = request;
      if (path.test(url)) {
        void admit(request).then((admission) => {
          if ('refusal' in admission) json(response, 400, { errors: [admission.refusal] });
          else json(response, 200, { auth: authOf(admission.token, 2) });
        });
      } else if (url === '/v1/auth/token/renew-self') json(response, 200, { auth: authOf('the same', 1) });
      else if (url === '/v1/auth/token/revoke-self') json(response, 204, undefined);
      else if (url === '/v1/secret/data/orders') json(response, 200, kv({ a: 'b' }));
      else json(response, 404, { errors: [] });
    }),
  );
}

function authOf(token: string, seconds: number): object {
  return { client_token: token, lease_duration: seconds, renewable: true, token_type: 'service' };
}
