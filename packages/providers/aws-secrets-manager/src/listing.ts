import type { ProviderRef } from '@keyturn/core/provider';
import type { AwsClient, CallFacts } from './aws-client.js';
import { isReferable, wanted } from './secret-id.js';

/**
 * Names the secrets below `prefix`, page by page as the caller goes on; all of them below an empty one. A secret whose
 * name cannot be a reference (one that begins with a slash) is named by its ARN.
 */
export async function* listBelow(
  aws: AwsClient,
  prefix: string,
  facts: CallFacts,
): AsyncIterable<ProviderRef> {
  const folder = prefix.replace(/\/$/, '');
  if (folder !== '') wanted({ path: folder });
  const begin = folder === '' ? '' : `${folder}/`;
  const pages = aws.pages(
    'ListSecrets',
    { MaxResults: 100, ...(begin === '' ? {} : { Filters: [{ Key: 'name', Values: [begin] }] }) },
    { ...facts, subject: begin === '' ? '*' : begin },
  );
  for await (const { SecretList } of pages) {
    for (const { Name = '', ARN } of SecretList ?? []) {
      if (!Name.startsWith(begin)) continue;
      if (isReferable(Name)) yield { path: Name };
      else if (ARN !== undefined) yield { path: ARN };
    }
  }
}
