import { type ProviderRef, SecretsError } from '@keyturn/core/provider';
import { listPage, type SecretManagerClient } from './secret-manager-client.js';
import { type Defaults, defaultPlace, placeOf } from './secret-name.js';

/** The most that the service gives at once. */
const PAGE_SIZE = 25_000;

/** What to list: the secrets of one project and location whose names begin with `start`. */
export interface ListedPlace {
  readonly parent: string;
  readonly location: string | undefined;
  readonly start: string;
  /** What stands before the name of each in its path. */
  readonly folder: string;
}

/**
 * Reads a prefix: the beginning of a name (`orders-`, or nothing for all), or the same below
 * `projects/P/secrets/` or `projects/P/locations/L/secrets/`. Undefined when nothing can lie below it.
 */
export function listedPlace(prefix: string, defaults: Defaults): ListedPlace | undefined {
  if (!prefix.includes('/')) return { ...defaultPlace(defaults), start: prefix, folder: '' };
  const segments = prefix.split('/');
  if (segments.at(-1) === 'secrets') segments.push('');
  const start = segments.pop() ?? '';
  const place = segments.pop() === 'secrets' ? placeOf(segments) : undefined;
  return place && { ...place, start, folder: `${place.parent}/secrets/` };
}

/** Names the secrets of a place, page by page as the caller goes on. `call` guards each request. */
export async function* namesBelow(
  { parent, start, folder }: ListedPlace,
  client: SecretManagerClient,
  call: <Result>(start: () => Promise<Result>) => Promise<Result>,
): AsyncIterable<ProviderRef> {
  const seen = new Set<string>();
  let pageToken = '';
  do {
    const token = pageToken;
    const [secrets, , answer] = await call(() => listPage(client, parent, token, PAGE_SIZE));
    for (const { name } of secrets) {
      const secret = name?.split('/').at(-1) ?? '';
      if (secret !== '' && secret.startsWith(start)) yield { path: `${folder}${secret}` };
    }
    pageToken = answer?.nextPageToken ?? '';
    if (seen.has(pageToken)) throw goesInCircles();
    seen.add(pageToken);
  } while (pageToken !== '');
}

/** To stop there would make a part of the names look like all of them. */
function goesInCircles(): SecretsError {
  return new SecretsError('bad-response', {
    problem: 'The pages of the listing go in circles.',
    remedy: 'Check what stands between here and Secret Manager: a proxy, or apiEndpoint in clientOptions.',
  });
}
