import type { Policy, PolicyStore } from '../../policies/policy-store.js';
import { notFound, refused } from '../../refusal.js';
import { type Route, route } from '../../routing/route.js';

const WRITE = { policy: 'text', rules: 'text' } as const;

/** `sys/policies/acl` and its older form `sys/policy`. */
export function policyRoutes(policies: PolicyStore): readonly Route[] {
  return [
    route({
      pattern: 'policies/acl/?',
      on: { list: () => ({ data: { keys: policies.names() } }) },
    }),
    route({
      pattern: 'policy/?',
      dataOnTop: true,
      on: {
        read: () => ({ data: { keys: policies.names(), policies: policies.names() } }),
        list: () => ({ data: { keys: policies.names(), policies: policies.names() } }),
      },
    }),
    policyRoute(policies, 'policies/acl/:path*', false, (policy) => ({
      ...describe(policy),
      policy: policy.text,
    })),
    policyRoute(policies, 'policy/:path*', true, (policy) => ({ ...describe(policy), rules: policy.text })),
  ];
}

function policyRoute(
  policies: PolicyStore,
  pattern: string,
  dataOnTop: boolean,
  show: (policy: Policy) => Record<string, unknown>,
): Route {
  return route({
    pattern,
    dataOnTop,
    fields: WRITE,
    on: {
      read({ params }) {
        const name = (params.path as string).toLowerCase();
        if (name === 'root') {
          const { modified: _, ...root } = show({ name, text: '', rules: [], modified: '', version: 0 });
          return { data: root };
        }
        const policy = policies.find(name);
        if (policy === undefined) throw notFound();
        return { data: show(policy) };
      },
      write({ params, fields }) {
        const text = fields.policy || fields.rules;
        if (!text) throw refused("'policy' parameter not supplied or empty");
        policies.write(params.path as string, plain(text));
        return undefined;
      },
      delete({ params }) {
        policies.remove(params.path as string);
        return undefined;
      },
    },
  });
}

function describe(policy: Policy): Record<string, unknown> {
  return {
    allow_slashes_in_identity_templates: false,
    allow_wildcards_in_identity_templates: false,
    cas_required: false,
    modified: policy.modified,
    name: policy.name,
    version: policy.version,
  };
}

/** A policy may be sent in base64. */
function plain(text: string): string {
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64').toString('utf8') : text;
}
