import type { StandardSchemaV1 } from '@standard-schema/spec';
import { LRUCache } from 'lru-cache';
import { Asked } from './asked.js';
import type { SecretCache } from './cache/secret-cache.js';
import { sharedAbort } from './concurrency/shared-abort.js';
import { type Diagnostics, EVENT_NAMES, type SecretsEvent, type SecretsEvents } from './diagnostics.js';
import { asSecretsError } from './errors/as-secrets-error.js';
import { SecretsError } from './errors/secrets-error.js';
import { throwAll } from './errors/throw-all.js';
import { type Health, healthOf, type InventoryItem } from './health.js';
import { inventoryOf } from './inventory.js';
import type { Consumer, Consumption, SecretSource } from './lease/consumer.js';
import { LiveConsumption } from './lease/consumption.js';
import type { LeaseManager } from './lease/lease-manager.js';
import type { TimerQueue } from './lease/timer-queue.js';
import { checkSchema, type ValueOf } from './model/schema.js';
import type { Secret } from './model/secret.js';
import type { SecretValue } from './model/secret-value.js';
import { isTemplate, type SecretInput, type Template } from './model/template.js';
import type { Router } from './provider/router.js';
import type { Target } from './provider/target.js';
import type { Resolved, Resolver } from './resolver.js';
import type { Clock } from './time/clock.js';

/** What {@link Secrets} is wired from. */
export interface SecretsParts {
  readonly resolver: Resolver;
  readonly leases: LeaseManager;
  readonly router: Router;
  readonly cache: SecretCache;
  readonly diagnostics: Diagnostics;
  readonly queue: TimerQueue;
  readonly clock: Clock;
  readonly proofMs: number;
  readonly maxEntries: number;
  /** Ends everything, in order. */
  readonly shutdown: (reason: SecretsError) => Promise<void>;
}

/** Live secrets: the one object that an application holds. Made by `createSecrets`. */
export class Secrets implements SecretSource, AsyncDisposable {
  readonly #parts: SecretsParts;
  readonly #clock: Clock;
  readonly #queue: TimerQueue;
  readonly #byRef: LRUCache<string, Asked>;
  readonly #byTemplate = new WeakMap<Template, Asked>();
  readonly #consumptions = new Set<Consumption>();
  readonly #ended = sharedAbort();
  readonly #derived = (target: Target, value: SecretValue): void =>
    this.#parts.router.routes(target)[0].runtime.register(target.ref, value);
  #closing: Promise<void> | undefined;

  /** Use `createSecrets`. */
  constructor(parts: SecretsParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#queue = parts.queue;
    this.#byRef = new LRUCache({ max: parts.maxEntries });
  }

  /**
   * The secret that `input` names, live: from the cache while it is fresh, else from its store, once for all
   * who ask meanwhile. A value past its ttl is handed out, marked stale, while the store is down and `maxStale`
   * allows it; never past the end of a lease.
   *
   * @param options.schema checks the content, and types what `revealValue()` gives: any Standard Schema (zod, valibot,
   *   arktype), of the fields as texts by name, or of the parsed JSON, or of the text
   * @param options.signal stops waiting; the fetch itself is aborted when the last caller has left
   * @throws SecretsError with the code that says why; see its `remedy`
   */
  getSecret<Schema extends StandardSchemaV1>(
    input: SecretInput,
    options: { readonly schema: Schema; readonly signal?: AbortSignal },
  ): Promise<Secret<ValueOf<Schema>>>;
  getSecret(input: SecretInput, options?: { readonly signal?: AbortSignal }): Promise<Secret>;
  getSecret(
    input: SecretInput,
    options?: { readonly schema?: StandardSchemaV1; readonly signal?: AbortSignal },
  ): Promise<Secret> {
    if (options === undefined && typeof input === 'string' && !this.#queue.isLazy) {
      const fresh = this.#byRef.get(input)?.fresh(this.#clock.monotonicMs());
      if (fresh !== undefined) return fresh.promise;
    }
    return this.#get(input, options);
  }

  #get(
    input: SecretInput,
    options?: { readonly schema?: StandardSchemaV1; readonly signal?: AbortSignal },
  ): Promise<Secret> {
    try {
      const asked = this.#ask(input);
      if (options?.signal !== undefined && typeof options.signal?.addEventListener !== 'function')
        throw misused('getSecret', 'an AbortSignal as its signal');
      if (options?.schema !== undefined) return this.#validated(asked, options.schema, options.signal);
      return this.#read(asked, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The secret that `input` names if it may be handed out now, without asking its store; undefined otherwise.
   *
   * @throws SecretsError `invalid-ref` for a malformed reference, `not-found` when the secret lacks the field
   */
  peekSecret(input: SecretInput): Secret | undefined {
    const asked = this.#ask(input);
    const fresh = asked.fresh(this.#now());
    if (this.#replacing(asked).length > 0) return undefined;
    if (fresh !== undefined) return fresh.secret;
    const held = asked.targets.map((target) => this.#parts.resolver.peek(target));
    return held.every((part) => part !== undefined)
      ? asked.answer(held as readonly Resolved[]).secret
      : undefined;
  }

  /**
   * Fetches what a service needs at start-up, all at once.
   *
   * @throws SecretsError for one that is missing; with several, its message lists them all
   */
  async preload(inputs: readonly SecretInput[]): Promise<void> {
    if (!Array.isArray(inputs)) throw misused('preload', 'a list of references');
    const outcomes = await Promise.allSettled(inputs.map((input) => this.getSecret(input)));
    throwAll(outcomes, 'preload');
  }

  /**
   * Resolves when every pool, watcher and other consumer made so far has its first secret.
   *
   * @throws SecretsError for one that could not get it; with several, its message lists them all
   */
  async ready(): Promise<void> {
    const outcomes = await Promise.allSettled(
      [...this.#consumptions].map((consumption) => consumption.current()),
    );
    throwAll(outcomes, 'ready');
  }

  /**
   * Calls `listener` with the current version and then with every new one, once each and in order, until the
   * returned function is called. The lease of a replaced version is revoked only after the listener's promise
   * has resolved, if it returns one.
   *
   * @throws SecretsError `invalid-ref` for a malformed reference or an unknown alias
   */
  watch(input: SecretInput, listener: (secret: Secret) => void | Promise<void>): () => void {
    if (typeof listener !== 'function') throw misused('watch', 'a function');
    const asked = this.#ask(input);
    const consumption = this.consume(input, {
      adopt: async (secret) => {
        try {
          await listener(secret);
        } catch (error) {
          this.#parts.diagnostics.listenerThrew(`the watch of ${asked.ref}`, error);
        }
      },
    });
    consumption.current().catch((error: unknown) => {
      for (const target of asked.targets) {
        const failure = asSecretsError(error, { ref: target.ref, provider: target.alias });
        if (failure.ref === target.ref || asked.targets.length === 1)
          this.#parts.leases.failedToServe(target, failure);
      }
    });
    return () => consumption.close();
  }

  /**
   * Rotates to what the store has now, whatever is held: fetched, proven by all who hold on to it, published, and the
   * old one let go of. A secret leased on request (database credentials) gets a new lease; one that has not changed at
   * its store stays as it is. Resolves with what is in service then; who asks meanwhile shares it.
   *
   * @throws SecretsError why it could not; what was in service stays, and nothing is tried again
   */
  async rotate(input: SecretInput): Promise<Secret> {
    const asked = this.#ask(input);
    const { resolver } = this.#parts;
    const { targets } = asked;
    const entries = await Promise.all(targets.map((target) => resolver.reload(target)));
    // Of several, one may have been replaced again while the last came.
    if (targets.length > 1) return this.#resolve(asked);
    return asked.answer(entries.map((entry) => ({ entry, staleReason: undefined }))).secret;
  }

  consume(input: SecretInput, consumer: Consumer): Consumption {
    if (typeof consumer?.adopt !== 'function') throw misused('consume', 'a consumer with a method adopt');
    const asked = this.#ask(input);
    for (const target of asked.targets) this.#parts.router.routes(target);
    const parts = { ...this.#parts, ended: this.#ended.signal };
    const consumption = new LiveConsumption(asked, consumer, parts, () => {
      this.#consumptions.delete(consumption);
    });
    this.#consumptions.add(consumption);
    return consumption;
  }

  /** Calls `listener` at every `event` until the returned function is called. Payloads never hold a value. */
  on<Event extends SecretsEvent>(
    event: Event,
    listener: (payload: SecretsEvents[Event]) => void,
  ): () => void {
    if (typeof listener !== 'function') throw misused('on', 'a function');
    if (!EVENT_NAMES.includes(event)) throw misused('on', `one of the events ${EVENT_NAMES.join(', ')}`);
    return this.#parts.diagnostics.on(event, listener);
  }

  /** Every secret held, with its version, age, lease and consumers; for a status page. Never a value. */
  inventory(): InventoryItem[] {
    return inventoryOf(this.#parts);
  }

  /** Whether every secret that something depends on is at hand, and how each provider is; for a readiness probe. */
  health(): Health {
    const missing = this.#parts.leases.unserved().map((target) => target.ref);
    return healthOf(this.inventory(), missing, this.#parts.router.all, this.#clock.monotonicMs());
  }

  /**
   * Ends everything: no new lease from now on, consumers drained, leases revoked, the logins last. Leaves no
   * timer. Idempotent; never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#end(
      new SecretsError('closed', {
        problem: 'The secrets were closed.',
        remedy: 'Close them last, after the servers and pools that use them.',
      }),
    );
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(reason: SecretsError): Promise<void> {
    this.#ended.abort(reason);
    return this.#parts.shutdown(reason);
  }

  async #validated(asked: Asked, schema: StandardSchemaV1, signal?: AbortSignal): Promise<Secret> {
    checkSchema(schema, asked.ref);
    const secret = await this.#read(asked, signal);
    return secret.validated(schema);
  }

  #read(asked: Asked, signal: AbortSignal | undefined): Promise<Secret> {
    const fresh = asked.fresh(this.#now());
    if (this.#queue.isLazy) return this.#replaced(asked, signal);
    if (fresh !== undefined) return fresh.promise;
    return signal === undefined ? asked.shared(() => this.#resolve(asked)) : this.#resolve(asked, signal);
  }

  /** The moment of a read; where no timers run, what is due by then is begun. */
  #now(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#queue.runDue(nowMs);
    return nowMs;
  }

  /**
   * Where a read begins what is due, the one that has a lease replaced waits for the new one: the old one is revoked
   * as soon as that is there.
   */
  async #replaced(asked: Asked, signal?: AbortSignal): Promise<Secret> {
    const loads = this.#replacing(asked).map((target) =>
      this.#parts.resolver.load(target, { retry: false, signal }),
    );
    await Promise.allSettled(loads);
    if (signal?.aborted) await Promise.all(loads);
    return this.#resolve(asked, signal);
  }

  /** The targets of `asked` whose leases are being replaced because of a read. */
  #replacing(asked: Asked): readonly Target[] {
    const { resolver } = this.#parts;
    return this.#queue.isLazy ? asked.targets.filter((target) => resolver.isReplacingLease(target)) : [];
  }

  async #resolve(asked: Asked, signal?: AbortSignal): Promise<Secret> {
    return asked.answer(await this.#parts.resolver.resolveAll(asked.targets, signal)).secret;
  }

  #ask(input: SecretInput): Asked {
    const known = isTemplate(input) ? this.#byTemplate.get(input) : this.#byRef.get(input);
    if (known !== undefined) return known;
    const asked = new Asked(input, this.#clock, this.#derived);
    if (isTemplate(input)) this.#byTemplate.set(input, asked);
    else this.#byRef.set(input, asked);
    return asked;
  }
}

function misused(method: string, wanted: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `${method}() was not given ${wanted}.`,
    remedy: 'Correct the arguments of the call.',
  });
}
