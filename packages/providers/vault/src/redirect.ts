import { SecretsError } from '@keyturn/core/provider';

/** How many redirects one call may follow: a standby's, and the normalizing one of the node it names. */
export const MAX_REDIRECTS = 2;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What decides on a redirect to another origin. */
export interface RedirectFacts {
  /** The origins that may be redirected to. */
  readonly nodes: ReadonlySet<string>;
  /** Whether the settings are proven: a call got an answer, or there are other addresses to try. */
  readonly hasWorked: boolean;
}

/** Whether an answer with `status` sends the caller elsewhere. */
export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/**
 * Where a redirect may be followed to, as a URL, token included.
 *
 * Only the kinds that keep method and body (307, 308), only inside the API, and only to the origin that was
 * asked or to one of the configured addresses and nodes: node-vault sends X-Vault-Token wherever it is told to, so
 * whoever can answer once gets the token.
 *
 * @throws SecretsError for another origin, naming what to add to `nodes`: `invalid-config`, or `unavailable` where
 * calls had worked (a failover); `bad-response` for a redirect that no Vault sends
 */
export function redirectTarget(
  status: number,
  location: string | undefined,
  from: URL,
  { nodes, hasWorked }: RedirectFacts,
): URL {
  const target = location === undefined ? undefined : absolute(location, from);
  if (target === undefined || !target.pathname.includes('/v1/') || (status !== 307 && status !== 308)) {
    throw new SecretsError('bad-response', {
      status,
      problem: `The answer is a redirect${target === undefined ? '' : ` to ${target.origin}`} that no Vault sends.`,
      remedy: 'A proxy answered, or the address is not that of the API: check the setting address.',
    });
  }
  if (target.origin !== from.origin && !nodes.has(target.origin)) {
    throw new SecretsError(hasWorked ? 'unavailable' : 'invalid-config', {
      status,
      problem: `The node redirects to ${target.origin}, and the token is not sent there unasked.`,
      remedy: `If that is a node of the cluster, add '${target.origin}' to the setting nodes; else check address.`,
    });
  }
  return target;
}

function absolute(location: string, from: URL): URL | undefined {
  try {
    return new URL(location, from);
  } catch {
    return undefined;
  }
}
