import { EXEMPT_PATHS, type RateLimit } from '../../rate-limits.js';
import { notFound, refused } from '../../refusal.js';
import { type Route, route } from '../../routing/route.js';
import type { Store } from '../../store.js';
import { keysReply } from '../key-listing.js';

/** `sys/quotas`: rate limits. (OpenBao has no lease-count quotas; a fault stands in for them.) */
export function quotaRoutes({ rateLimits, mounts }: Store): readonly Route[] {
  const { quotas } = rateLimits;
  return [
    route({
      pattern: 'quotas/config',
      fields: { enable_rate_limit_response_headers: 'flag' },
      on: {
        read: () => ({
          data: {
            enable_rate_limit_audit_logging: false,
            enable_rate_limit_response_headers: rateLimits.sendHeaders,
            rate_limit_exempt_paths: EXEMPT_PATHS,
          },
        }),
        write({ fields }) {
          rateLimits.sendHeaders = fields.enable_rate_limit_response_headers ?? rateLimits.sendHeaders;
          return undefined;
        },
      },
    }),
    route({ pattern: 'quotas/rate-limit/?', on: { list: () => keysReply([...quotas.keys()].sort()) } }),
    route({
      pattern: 'quotas/rate-limit/:name',
      fields: {
        rate: 'any',
        interval: 'seconds',
        block_interval: 'seconds',
        path: 'text',
        type: 'text',
        role: 'text',
        inheritable: 'flag',
      },
      on: {
        read({ params }) {
          const quota = quotas.get(params.name as string);
          if (quota === undefined) throw notFound();
          return { data: describe(quota) };
        },
        write({ params, fields }) {
          const rate = Number(fields.rate ?? 0);
          if (!(rate > 0)) throw refused("'rate' is invalid");
          if (fields.role) throw refused('the dev server has no rate limits for single roles');
          const path = fields.path ?? '';
          if (path !== '' && mounts.at(path) === undefined) throw refused(`invalid mount path "${path}"`);
          quotas.set(params.name as string, {
            name: params.name as string,
            path,
            rate,
            intervalSeconds: fields.interval || 1,
            blockSeconds: fields.block_interval ?? 0,
          });
          return undefined;
        },
        delete({ params }) {
          quotas.delete(params.name as string);
          return undefined;
        },
      },
    }),
  ];
}

function describe(quota: RateLimit): Record<string, unknown> {
  return {
    block_interval: quota.blockSeconds,
    inheritable: quota.path === '',
    interval: quota.intervalSeconds,
    name: quota.name,
    path: quota.path,
    rate: quota.rate,
    role: '',
    type: 'rate-limit',
  };
}
