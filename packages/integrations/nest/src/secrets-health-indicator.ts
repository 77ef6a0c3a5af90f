import type { Health, Secrets } from '@keyturn/core';

/** How the secrets are, in the form that @nestjs/terminus takes. Names references; never a value. */
export type SecretsHealth = {
  /** `down` when something that is needed is not at hand. */
  readonly status: 'up' | 'down';
  /** `degraded`: everything is at hand, but something fails. */
  readonly state: Health['status'];
} & Pick<Health, 'missing' | 'failing' | 'providers'>;

/**
 * Tells a health check of @nestjs/terminus how the secrets are, from memory: no store is asked.
 *
 * ```ts
 * health.check([() => secrets.isHealthy('secrets')]);
 * ```
 */
export class SecretsHealthIndicator {
  readonly #secrets: Secrets;

  /** Made by the module. */
  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** What stands under `key` in the result of the check. */
  isHealthy<Key extends string>(key: Key): Record<Key, SecretsHealth> {
    const { status: state, missing, failing, providers } = this.#secrets.health();
    const health = {
      status: state === 'failing' ? 'down' : 'up',
      state,
      missing,
      failing,
      providers,
    } as const;
    return { [key]: health } as Record<Key, SecretsHealth>;
  }
}
