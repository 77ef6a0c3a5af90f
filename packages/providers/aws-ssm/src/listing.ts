import type { CallOptions, ProviderRef } from '@keyturn/core/provider';
import type { AwsClient } from './aws-client.js';
import { folderName, pathOf } from './parameter-name.js';

/**
 * Names the parameters below `prefix` at any depth, page by page as the caller goes on; all of them below an empty one.
 * By DescribeParameters, which sends no values. What no path leads to (`/token`) is named by its ARN.
 */
export async function* listBelow(
  aws: AwsClient,
  prefix: string,
  { signal }: CallOptions,
): AsyncIterable<ProviderRef> {
  const path = prefix.replace(/\/$/, '');
  const folder = path === '' ? undefined : folderName(path);
  const filters =
    folder === undefined
      ? {}
      : { ParameterFilters: [{ Key: 'Path', Option: 'Recursive', Values: [folder] }] };
  const pages = aws.pages(
    'DescribeParameters',
    { MaxResults: 50, ...filters },
    { region: undefined, signal, subject: folder ?? '*' },
  );
  for await (const { Parameters } of pages) {
    for (const { Name = '', ARN } of Parameters ?? []) {
      if (folder !== undefined && !Name.startsWith(`${folder}/`)) continue;
      const found = pathOf(Name) ?? ARN;
      if (found !== undefined) yield { path: found };
    }
  }
}
