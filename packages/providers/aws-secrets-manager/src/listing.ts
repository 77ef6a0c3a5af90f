import type { CallOptions, ProviderRef } from '@keyturn/core/provider';
import type { AwsClient } from './aws-client.js';
import { isReferable, wanted } from './secret-id.js';

/**
 * Names the secrets below `prefix`, page by page as the caller goes on; all of them below an empty one. A secret whose
 * name cannot be a reference (one that begins with a slash) is named by its ARN.
 */
export async function* listBelow(
  aws: AwsClient,
  prefix: string,
  { address, signal }: CallOptions,
): AsyncIterable<ProviderRef> {
  const folder = prefix.replace(/\/$/, '');
  if (folder !== '') wanted({ path: folder });
  const begin = folder === '' ? '' : `${folder}/`;
  const seen = new Set<string>();
  let token: string | undefined;
  do {
    const { SecretList, NextToken } = await aws.call(
      'ListSecrets',
      {
        MaxResults: 100,
        ...(begin === '' ? {} : { Filters: [{ Key: 'name', Values: [begin] }] }),
        ...(token === undefined ? {} : { NextToken: token }),
      },
      { region: address, signal, subject: begin === '' ? '*' : begin },
    );
    for (const { Name = '', ARN } of SecretList ?? []) {
      if (!Name.startsWith(begin)) continue;
      if (isReferable(Name)) yield { path: Name };
      else if (ARN !== undefined) yield { path: ARN };
    }
    token = NextToken;
  } while (token !== undefined && token !== '' && !seen.has(token) && seen.add(token));
}
