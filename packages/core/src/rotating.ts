import { SecretsError } from './errors/secrets-error.js';
import type { Consumption, SecretSource } from './lease/consumer.js';
import type { Secret } from './model/secret.js';
import type { SecretInput } from './model/template.js';

/** How to open and close what depends on a secret. */
export interface RotatingOptions<Resource extends object> {
  /** Opens the resource, an object, and proves that the secret works. Rejecting keeps the one in service. */
  open(secret: Secret, signal: AbortSignal): Promise<Resource>;
  /** Closes a resource that was replaced: resolves when nothing uses it. Cut it short when `signal` aborts. */
  close(resource: Resource, signal: AbortSignal): void | Promise<void>;
}

/** A resource that is replaced whenever its secret rotates. */
export interface Rotating<Resource extends object> {
  /** The resource in service. Waits for the first secret, and for a refresh when the lease has ended. */
  current(): Promise<Resource>;
  /** The resource in service, without waiting; undefined before the first. */
  peek(): Resource | undefined;
  /**
   * Says that the backend refuses the credential that `resource` was opened with. One shared refresh; resolves
   * with the resource that replaced it, at once when that has happened already.
   */
  replace(resource: Resource): Promise<Resource>;
  /** Rotates no more and closes the resource in service. Idempotent. */
  close(): Promise<void>;
}

/**
 * Hot-swaps a resource: open and prove the new → swap → close the old → only then is its lease revoked.
 * Every integration stands on this.
 *
 * ```ts
 * const client = rotating(secrets, 'vault:database/creds/app', {
 *   open: async (secret, signal) => connect(secret.revealFields(), signal),
 *   close: (old) => old.drain(),
 * });
 * (await client.current()).query('select 1');
 * ```
 */
export function rotating<Resource extends object>(
  source: SecretSource,
  input: SecretInput,
  { open, close }: RotatingOptions<Resource>,
): Rotating<Resource> {
  if (typeof source?.consume !== 'function' || typeof open !== 'function' || typeof close !== 'function')
    throw new SecretsError('invalid-config', {
      problem: 'rotating() was not given secrets, a reference, and functions open and close.',
      remedy: 'Pass what createSecrets gave first, and both functions last.',
    });
  const versions = new WeakMap<Resource, string>();
  const proven = new Map<string, Resource>();
  let inService: Resource | undefined;
  let closing: Promise<void> | undefined;

  const consumption: Consumption = source.consume(input, {
    async prepare(next, signal) {
      const resource = await open(next, signal);
      if (typeof resource !== 'object' || resource === null) throw noObject(next.ref);
      if (closing !== undefined) {
        await close(resource, AbortSignal.abort());
        throw closed();
      }
      versions.set(resource, next.version);
      proven.set(next.version, resource);
    },
    async discard(next) {
      const resource = take(next.version);
      if (resource !== undefined) await close(resource, AbortSignal.abort());
    },
    async adopt(next, signal) {
      const old = inService;
      inService = take(next.version);
      if (old !== undefined) await close(old, signal);
    },
    release: (signal) => letGo(signal),
  });

  function take(version: string): Resource | undefined {
    const resource = proven.get(version);
    proven.delete(version);
    return resource;
  }

  function letGo(signal: AbortSignal): Promise<void> {
    closing ??= (async () => {
      if (inService !== undefined) await close(inService, signal);
    })();
    return closing;
  }

  const inServiceNow = (): Resource => {
    if (inService === undefined || closing !== undefined) throw closed();
    return inService;
  };

  return {
    async current() {
      if (closing !== undefined) throw closed();
      await consumption.current();
      return inServiceNow();
    },
    peek: () => inService,
    async replace(resource) {
      await consumption.replace(versions.get(resource) ?? '');
      return inServiceNow();
    },
    async close() {
      consumption.close();
      await letGo(new AbortController().signal);
    },
  };
}

function noObject(ref: string): SecretsError {
  return new SecretsError('invalid-config', {
    ref,
    problem: 'open() of rotating() gave no object.',
    remedy: 'Let it resolve with an object; a plain value can be had with getSecret or watch.',
  });
}

function closed(): SecretsError {
  return new SecretsError('closed', {
    problem: 'What depends on this secret was closed.',
    remedy: 'Close it last, after everything that uses it.',
  });
}
