import { uuid } from '../identifiers.js';
import { refused } from '../refusal.js';
import { rfc3339 } from '../time/rfc3339.js';

/** A secret id: what a role's callers must show besides its role id. */
export interface SecretId {
  readonly id: string;
  readonly accessor: string;
  readonly createdMs: number;
  readonly expireMs: number | undefined;
  readonly ttlSeconds: number;
  /** 0: any number. */
  usesLeft: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a secret id may be asked for with. Absent: the role's own. */
export interface SecretIdRequest {
  readonly id: string;
  readonly numUses: number | undefined;
  readonly ttlSeconds: number | undefined;
  readonly metadata: string | undefined;
}

/** The limits of a role; 0: none. */
export interface SecretIdLimits {
  readonly numUses: number;
  readonly ttlSeconds: number;
}

/** The secret ids of one role. */
export class SecretIds {
  readonly #ids = new Map<string, SecretId>();

  /** @throws Refusal 400 for more than the role allows, and for metadata that cannot be read */
  issue(request: SecretIdRequest, limits: SecretIdLimits, nowMs: number): SecretId {
    const numUses = request.numUses ?? limits.numUses;
    const ttlSeconds = request.ttlSeconds ?? limits.ttlSeconds;
    if (numUses < 0) throw refused('num_uses cannot be negative');
    if (exceeds(numUses, limits.numUses)) {
      throw refused("num_uses cannot be higher than the role's secret_id_num_uses");
    }
    if (exceeds(ttlSeconds, limits.ttlSeconds)) {
      throw refused("ttl cannot be longer than the role's secret_id_ttl");
    }
    const secret: SecretId = {
      id: request.id,
      accessor: uuid(),
      createdMs: nowMs,
      expireMs: ttlSeconds > 0 ? nowMs + ttlSeconds * 1000 : undefined,
      ttlSeconds,
      usesLeft: numUses,
      metadata: parseMetadata(request.metadata),
    };
    this.#ids.set(secret.id, secret);
    return secret;
  }

  /** Those in force; expired ones are gone whenever somebody looks. */
  list(nowMs: number): SecretId[] {
    for (const secret of this.#ids.values()) {
      if (secret.expireMs !== undefined && secret.expireMs <= nowMs) this.#ids.delete(secret.id);
    }
    return [...this.#ids.values()];
  }

  find(id: string | undefined, nowMs: number): SecretId | undefined {
    return this.list(nowMs).find((secret) => secret.id === id);
  }

  byAccessor(accessor: string | undefined, nowMs: number): SecretId | undefined {
    return this.list(nowMs).find((secret) => secret.accessor === accessor);
  }

  /** Counts one login. */
  use(secret: SecretId): void {
    if (secret.usesLeft === 1) this.destroy(secret.id);
    else if (secret.usesLeft > 1) secret.usesLeft -= 1;
  }

  destroy(id: string): void {
    this.#ids.delete(id);
  }
}

/** A secret id as a lookup shows it: everything but the secret. */
export function describeSecretId(secret: SecretId): Record<string, unknown> {
  return {
    cidr_list: [],
    creation_time: rfc3339(secret.createdMs),
    expiration_time: secret.expireMs === undefined ? '0001-01-01T00:00:00Z' : rfc3339(secret.expireMs),
    last_updated_time: rfc3339(secret.createdMs),
    metadata: secret.metadata,
    secret_id_accessor: secret.accessor,
    secret_id_num_uses: secret.usesLeft,
    secret_id_ttl: secret.ttlSeconds,
    token_bound_cidrs: [],
  };
}

/** Whether `asked` (0: endless) goes beyond `limit` (0: none). */
function exceeds(asked: number, limit: number): boolean {
  return limit > 0 && (asked === 0 || asked > limit);
}

/** Metadata comes as JSON inside a text, or as `key=value` pairs. */
function parseMetadata(text = ''): Readonly<Record<string, string>> {
  const bad = refused('failed to parse metadata: failed to parse the input: invalid <key,value> format');
  if (text === '') return {};
  if (!text.trimStart().startsWith('{')) {
    return Object.fromEntries(
      text.split(',').map((pair) => {
        const [key, value] = pair.split('=');
        if (key === undefined || value === undefined) throw bad;
        return [key.trim(), value.trim()];
      }),
    );
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return Object.fromEntries(Object.entries(parsed as object).map(([key, value]) => [key, String(value)]));
  } catch {
    throw bad;
  }
}
