import { SecretsError, type SecretVersion } from '@keyturn/core/provider';
import { crc32c } from './crc32c.js';
import type { AccessedVersion } from './secret-manager-client.js';

/**
 * What the service answered, as a version: its number is taken from the answer's own name, so that it belongs to the
 * payload whatever `latest` or an alias means a moment later.
 *
 * @param secret the name that was asked for
 * @param wanted the number that was asked for; an alias or `latest` stands for any
 * @throws SecretsError `bad-response` for an answer about another secret or version, without a version or payload, or whose
 * payload does not have its checksum. An answer without a checksum is taken as it is: the field is optional.
 */
export function secretVersion(
  { name, payload }: AccessedVersion,
  secret: string,
  wanted: string,
): SecretVersion {
  const [, answered, version] = /\/secrets\/([^/]+)\/versions\/(\d+)$/.exec(name ?? '') ?? [];
  if (answered === undefined || version === undefined) throw malformed('names no version');
  if (answered !== secret) throw malformed('is about another secret');
  if (/^\d/.test(wanted) && version !== wanted) throw malformed('is about another version');
  const data = bytesOf(payload?.data);
  const checksum = payload?.dataCrc32c ?? undefined;
  if (checksum !== undefined && String(checksum) !== String(crc32c(data))) {
    throw malformed('was changed on its way: its payload does not have its checksum');
  }
  if (data.length === 0) {
    throw new SecretsError('bad-response', {
      problem: `Version ${version} is empty.`,
      remedy: 'Add a version that holds the value; the one held before stays in use.',
    });
  }
  return { data, version, metadata: { resource: name ?? '' } };
}

function bytesOf(data: Uint8Array | string | null | undefined): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'base64') : (data ?? new Uint8Array());
}

function malformed(problem: string): SecretsError {
  return new SecretsError('bad-response', {
    problem: `The answer ${problem}.`,
    remedy: 'Check what stands between here and Secret Manager: a proxy, or apiEndpoint in clientOptions.',
  });
}
