import { SecretsError, type SecretVersion } from '@keyturn/core/provider';
import type { Moment, ReadSecret, SecretFacts } from './key-vault-client.js';
import { pemFields } from './pem-fields.js';

/**
 * What Key Vault answered, as a version. A certificate, which is known by its content type, becomes the fields that
 * `node:tls` takes, all of one version: `cert` and `key` where it is PEM, `pfx` where it is PKCS #12.
 *
 * Node has no parser of PKCS #12 of its own, and `tls` takes such bytes as they are: no third code sees the key.
 *
 * @param wanted what was asked for; names and versions are the same whatever their case
 * @throws SecretsError `bad-response` for an answer without value or version, about another secret or version, or whose
 * value is not of its content type
 */
export async function secretVersion(
  { value, properties }: ReadSecret,
  wanted: { readonly name: string; readonly version: string | undefined },
): Promise<SecretVersion> {
  const { name = wanted.name, version } = properties ?? {};
  if (typeof version !== 'string' || version === '') {
    throw malformed('names no version', 'Check vaultUrl, and what stands between here and there.');
  }
  if (!isSame(name, wanted.name) || !isSame(version, wanted.version ?? version)) {
    throw malformed('is about another one', 'Check vaultUrl, and what stands between here and there.');
  }
  if (typeof value !== 'string' || value === '') {
    throw malformed('holds no value', 'Set a new version of the secret; the one held before stays in use.');
  }
  return { data: await dataOf(value, properties.contentType), version, metadata: factsOf(properties) };
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

async function dataOf(value: string, contentType: string | undefined): Promise<SecretVersion['data']> {
  if (contentType === 'application/x-pem-file') return pemFields(value);
  if (contentType !== 'application/x-pkcs12') return value;
  const pfx = Buffer.from(value, 'base64');
  // DER begins with a SEQUENCE; whatever is not base64 is skipped by the decoder.
  if (pfx[0] !== 0x30)
    throw malformed('is said to be PKCS #12, and is not', 'Check the content type of the secret.');
  return { pfx };
}

function factsOf({ contentType, enabled, tags, ...dates }: SecretFacts): Record<string, string> {
  const facts = {
    contentType,
    enabled: enabled === undefined ? undefined : String(enabled),
    expires: textOf(dates.expiresOn),
    notBefore: textOf(dates.notBefore),
    created: textOf(dates.createdOn),
    updated: textOf(dates.updatedOn),
    // Their names alone: people write anything into tags.
    tags: Object.keys(tags ?? {}).join(', ') || undefined,
  };
  return Object.fromEntries(
    Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function textOf(moment: Moment | undefined): string | undefined {
  try {
    return moment?.toISOString();
  } catch {
    return undefined; // An invalid date is no fact.
  }
}

function malformed(problem: string, remedy: string): SecretsError {
  return new SecretsError('bad-response', { problem: `The answer ${problem}.`, remedy });
}
