import { Secrets } from '@keyturn/core';
import {
  type DynamicModule,
  Inject,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { inputOf, secretTokens } from './inject-secret.js';
import { injectionsIn } from './injections.js';
import type { KeyturnAsyncOptions, KeyturnOptions } from './keyturn-options.js';
import { LiveSecret } from './live-secret.js';
import { makeSecrets } from './make-secrets.js';
import { SecretsHealthIndicator } from './secrets-health-indicator.js';
import { startSecrets } from './start-secrets.js';

/** Injects the `redactor` of the module; undefined when it has none. */
export const KEYTURN_REDACTOR = Symbol('KEYTURN_REDACTOR');
/** Injects the `responseRedactor` of the module; undefined when it has none. */
export const KEYTURN_RESPONSE_REDACTOR = Symbol('KEYTURN_RESPONSE_REDACTOR');

const OPTIONS = Symbol('KEYTURN_OPTIONS');
/** Whatever injects this is made after every injected secret is at hand. Ends their upkeep. */
const STARTED = Symbol('KEYTURN_STARTED');

/**
 * Brings `Secrets`, the secrets that classes inject, a health indicator and the redactors into a Nest application.
 *
 * What is injected is fetched before a class that injects it is made; pools and other consumers are waited for before
 * the application listens. At its end, after the servers are closed and everybody else has been told, the secrets are
 * closed too, unless they were passed in.
 */
export class KeyturnModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #secrets: Secrets;
  readonly #options: KeyturnOptions;
  readonly #stop: () => void;

  /** Made by Nest: import `KeyturnModule.forRoot(…)`. */
  constructor(secrets: Secrets, options: KeyturnOptions, stop: () => void) {
    this.#secrets = secrets;
    this.#options = options;
    this.#stop = stop;
  }

  /** A module of these options. */
  static forRoot(options: KeyturnOptions): DynamicModule {
    return keyturnModule({ provide: OPTIONS, useFactory: () => options }, { isGlobal: options.isGlobal });
  }

  /** A module of the options that a factory makes, for example from a configuration service. */
  static forRootAsync({ imports, inject = [], useFactory, isGlobal }: KeyturnAsyncOptions): DynamicModule {
    const make = useFactory as (...args: unknown[]) => KeyturnOptions | Promise<KeyturnOptions>;
    return keyturnModule({ provide: OPTIONS, inject, useFactory: make }, { imports, isGlobal });
  }

  /** Fails the start when a pool cannot get its first secret. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.#options.preload !== false) await this.#secrets.ready();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stop();
    if (isOwner(this.#options)) await this.#secrets.close();
  }
}
Inject(Secrets)(KeyturnModule, undefined, 0);
Inject(OPTIONS)(KeyturnModule, undefined, 1);
Inject(STARTED)(KeyturnModule, undefined, 2);

/** What stays the same whatever is injected. Factories, so that no tool that prints a module's metadata finds a value. */
const PROVIDERS: readonly Provider[] = [
  { provide: Secrets, inject: [OPTIONS], useFactory: makeSecrets },
  {
    provide: STARTED,
    inject: [Secrets, OPTIONS, ModulesContainer],
    useFactory: async (secrets: Secrets, options: KeyturnOptions, modules: ModulesContainer) => {
      try {
        return await startSecrets(secrets, injectionsIn(modules), options.preload !== false);
      } catch (error) {
        // There will be no application whose end could close them.
        if (isOwner(options)) await secrets.close();
        throw error;
      }
    },
  },
  {
    provide: KEYTURN_REDACTOR,
    inject: [OPTIONS],
    useFactory: (options: KeyturnOptions) => options.redactor,
  },
  {
    provide: KEYTURN_RESPONSE_REDACTOR,
    inject: [OPTIONS],
    useFactory: (options: KeyturnOptions) => options.responseRedactor,
  },
  {
    provide: SecretsHealthIndicator,
    inject: [Secrets],
    useFactory: (secrets: Secrets) => new SecretsHealthIndicator(secrets),
  },
];

function keyturnModule(
  options: Provider,
  {
    imports = [],
    isGlobal = true,
  }: { imports?: KeyturnAsyncOptions['imports']; isGlobal?: boolean | undefined },
): DynamicModule {
  return {
    module: KeyturnModule,
    global: isGlobal,
    imports,
    // Getters, because Nest reads them when it starts: by then every class has said what it injects.
    get providers() {
      return [options, ...PROVIDERS, ...secretTokens().map(liveSecretProvider)];
    },
    get exports() {
      return [
        Secrets,
        SecretsHealthIndicator,
        KEYTURN_REDACTOR,
        KEYTURN_RESPONSE_REDACTOR,
        ...secretTokens(),
      ];
    },
  };
}

function liveSecretProvider(token: string | symbol): Provider {
  return {
    provide: token,
    inject: [Secrets, STARTED],
    useFactory: (secrets: Secrets) => new LiveSecret(secrets, inputOf(token) ?? String(token)),
  };
}

function isOwner(options: KeyturnOptions): boolean {
  return !('secrets' in options) || options.secrets === undefined;
}
