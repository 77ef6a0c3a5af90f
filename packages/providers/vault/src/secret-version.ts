import { type Clock, jsonNumber, jsonText, SecretsError, type SecretVersion } from '@keyturn/core/provider';
import { durationMs, type Envelope } from './answer.js';
import type { Fingerprint } from './fingerprint.js';
import { type JsonObject, objectOf, textOf } from './json-object.js';
import { malformed } from './malformed.js';
import { ownLease } from './own-lease.js';
import type { MountKind } from './vault-settings.js';

/** What reading an answer takes beside the answer. */
export interface ReadingAids {
  readonly kind: MountKind;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly fingerprint: Fingerprint;
}

/** What the store says of a static role beside its credential. It changes from read to read, so it is no field. */
const BOOKKEEPING: readonly string[] = [
  'ttl',
  'last_vault_rotation',
  'rotation_period',
  'rotation_schedule',
  'rotation_window',
];

/**
 * One version of a secret from the answer to a read.
 *
 * KV engines are told by their mount, since what is stored there may look like anything. Everything else is told
 * by its answer: leased, a static role, a certificate, or plain data.
 *
 * @throws SecretsError `bad-response` for an answer without content; `unavailable` for a static role that is
 * being rotated at this moment
 */
export function secretVersion(envelope: Envelope, { kind, clock, fingerprint }: ReadingAids): SecretVersion {
  if (envelope.isWrapped) {
    throw malformed(
      'is wrapped in a single-use token',
      'Read it with a token whose policy sets no min_wrapping_ttl.',
    );
  }
  if (kind === 'kv2') return kvVersion(envelope.data);
  const { data = {} } = envelope;
  if (kind === 'kv1') return { data: fieldsOf(data), version: fingerprint(data) };
  if (envelope.leaseId !== '') return leased(envelope);
  if (textOf(data.last_vault_rotation) !== undefined) return staticRole(data);
  const lease = ownLease(data, clock);
  const serial = lease === undefined ? undefined : textOf(data.serial_number);
  return {
    data: fieldsOf(withChainAsText(data)),
    version: serial ?? fingerprint(data),
    ...(lease === undefined ? {} : { lease }),
  };
}

/** A version in KV v2: `data.data` beside `data.metadata`. */
function kvVersion(answer: JsonObject | undefined): SecretVersion {
  const metadata = objectOf(answer?.metadata);
  if (jsonNumber(metadata?.version) === undefined) {
    throw malformed('has no version', 'Check what is mounted there, and the setting mounts.');
  }
  const labels = Object.entries(objectOf(metadata?.custom_metadata) ?? {});
  return {
    data: fieldsOf(objectOf(answer?.data)),
    version: jsonText(metadata?.version),
    metadata: {
      ...fact('createdAt', metadata?.created_time),
      ...fact('deletedAt', metadata?.deletion_time),
      ...Object.fromEntries(labels.map(([name, label]) => [`label.${name}`, jsonText(label)])),
    },
  };
}

/** A dynamic secret. Its version is the last part of its lease id: new for every lease, and no secret. */
function leased({ leaseId, leaseMs, renewable, data }: Envelope): SecretVersion {
  if (leaseMs === undefined || leaseMs <= 0) {
    throw malformed(
      'has a lease without a length',
      'Check default_lease_ttl and max_lease_ttl of the mount or role.',
    );
  }
  return {
    data: fieldsOf(withChainAsText(data ?? {})),
    version: leaseId.slice(leaseId.lastIndexOf('/') + 1),
    lease: { ttlMs: leaseMs, handle: { id: leaseId, renewable } },
  };
}

/** A credential that the store rotates in place, at the end of `ttl` and not earlier. */
function staticRole(data: JsonObject): SecretVersion {
  const ttlMs = durationMs(data.ttl);
  if (ttlMs !== undefined && ttlMs <= 0) {
    throw new SecretsError('unavailable', {
      retryAfterMs: 1_000,
      problem: 'The store is about to rotate the static role: its ttl is 0.',
      remedy: 'It is asked again in a moment; if it goes on, see why the store cannot rotate the role.',
    });
  }
  const fields = Object.entries(data).filter(([name]) => !BOOKKEEPING.includes(name));
  return {
    data: fieldsOf(Object.fromEntries(fields)),
    version: jsonText(data.last_vault_rotation),
    ...(ttlMs === undefined ? {} : { lease: { ttlMs, end: 'rotates' as const } }),
    metadata: {
      ...fact('rotatedAt', data.last_vault_rotation),
      ...fact('rotationPeriodSeconds', data.rotation_period),
      ...fact('rotationSchedule', data.rotation_schedule),
    },
  };
}

/** The list of certificates above the one issued, as the one PEM text that TLS takes. */
function withChainAsText(data: JsonObject): JsonObject {
  const chain: unknown = data.ca_chain;
  return Array.isArray(chain) ? { ...data, ca_chain: chain.map(jsonText).join('\n') } : data;
}

/** Every field as text, numbers with all their digits; what is null is left out. */
function fieldsOf(data: JsonObject | undefined): Record<string, string> {
  const fields = Object.entries(data ?? {}).filter(
    ([, content]) => content !== null && content !== undefined,
  );
  if (fields.length === 0) {
    throw malformed('is empty', 'Write the secret, or check what is mounted there and the setting mounts.');
  }
  return Object.fromEntries(fields.map(([name, content]) => [name, jsonText(content)]));
}

function fact(name: string, content: unknown): Record<string, string> {
  const text = content === undefined || content === null ? '' : jsonText(content);
  return text === '' ? {} : { [name]: text };
}
