import type { Parameter } from '@aws-sdk/client-ssm';
import { SecretsError, type SecretVersion } from '@keyturn/core/provider';
import type { AwsClient, CallFacts } from './aws-client.js';
import { bad } from './parameter-version.js';

/** How many parameters a page may have. */
const PAGE = 10;

/**
 * The parameters in a folder as the fields of one secret, named by what follows the folder in their names.
 *
 * AWS gives no moment that holds for them all: what is written while the pages are read may be in one field and not in
 * another.
 *
 * @param path such as `/prod/db`
 * @param isDeep whether what lies in folders below counts, too
 * @throws SecretsError `not-found` when nothing lies there
 */
export async function fetchFolder(
  aws: AwsClient,
  { path, isDeep }: { readonly path: string; readonly isDeep: boolean },
  facts: CallFacts,
): Promise<SecretVersion> {
  const parameters = new Map<string, Parameter>();
  const pages = aws.pages(
    'GetParametersByPath',
    { Path: path, Recursive: isDeep, WithDecryption: true, MaxResults: PAGE },
    facts,
  );
  for await (const { Parameters } of pages) {
    for (const parameter of Parameters ?? []) {
      const { Name = '', Value, Version } = parameter;
      if (!Name.startsWith(`${path}/`)) throw bad('is of another folder');
      if (typeof Value !== 'string' || typeof Version !== 'number') throw bad('lacks a value or a version');
      parameters.set(Name.slice(path.length + 1), parameter);
    }
  }
  if (parameters.size === 0) {
    throw new SecretsError('not-found', {
      problem: `There is no parameter in ${path}.`,
      remedy: `Check the folder and the setting region; ${path}/** takes what lies deeper, too.`,
    });
  }
  const entries = [...parameters].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    data: Object.fromEntries(entries.map(([name, { Value }]) => [name, Value])),
    version: await versionOf(entries),
    metadata: { folder: path, parameters: String(entries.length) },
  };
}

/** Changes with the name, version or date of any: a parameter that is made anew begins at version 1 again. */
async function versionOf(entries: readonly [string, Parameter][]): Promise<string> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for (const [name, { Version, LastModifiedDate }] of entries) {
    hash.update(`${name}\n${Version}\n${LastModifiedDate?.getTime()}\n`);
  }
  return hash.digest('base64url').slice(0, 22);
}
