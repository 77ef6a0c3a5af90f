import { type Clock, isSecretsError, SecretsError } from '@keyturn/core/provider';
import { answerError } from '../answer-error.js';
import type { CallFacts } from '../answer-row.js';
import { VaultClient } from '../client.js';
import { type JsonObject, objectOf, textOf } from '../json-object.js';
import { NamespaceCheck } from '../namespace-check.js';
import { vaultSession } from '../session.js';
import { callerOf } from '../session-token.js';
import { OwnLogin } from './own-login.js';
import type { TransitSettings } from './transit-settings.js';

type Body = Readonly<Record<string, unknown>>;

/** Many inputs for one operation. */
export interface Batch<Result> {
  /** Below the mount, without the key: `encrypt`. */
  readonly operation: string;
  readonly items: readonly Body[];
  /** What holds for all of them. */
  readonly options?: Body;
  readonly signal: AbortSignal | undefined;
  /** What the answer to one item gives; undefined when that is not in it. */
  readonly read: (answer: JsonObject) => Result | undefined;
}

/** The calls of the transit engine for one key, by a login of their own, to the first address that can answer. */
export class TransitCalls {
  readonly #settings: TransitSettings;
  readonly #client: VaultClient;
  readonly #login: OwnLogin;
  readonly #clock: Clock;
  readonly #running = new Set<Promise<unknown>>();
  /** The address that answered last, by its place. */
  #preferred = 0;
  #closing: Promise<void> | undefined;

  constructor(settings: TransitSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#client = new VaultClient(settings.vault);
    const { namespace, auth } = settings.vault;
    const namespaceCheck = new NamespaceCheck(this.#client, namespace);
    this.#login = new OwnLogin(vaultSession(this.#client, auth, namespaceCheck), clock);
  }

  /** One result or error for each item, in order. Rejects when the store did not come to look at them. */
  async batch<Result>({ operation, items, options, signal, read }: Batch<Result>) {
    if (items.length === 0) return [];
    // What is wrong with an item is its own affair, not that of the others.
    const body = { ...options, batch_input: items, partial_failure_response_code: 200 };
    const { data } = await this.send(operation, body, signal);
    const answers: readonly unknown[] = Array.isArray(data?.batch_results) ? data.batch_results : [];
    if (answers.length !== items.length) throw this.#located(odd());
    return answers.map((answer) => this.#outcome(operation, objectOf(answer) ?? {}, read));
  }

  /** Sends `body` to an operation of the key. */
  send(operation: string, body: Body, signal: AbortSignal | undefined) {
    if (this.#closing !== undefined) return Promise.reject(this.#located(closed()));
    const running = this.#send(this.#pathOf(operation), body, signal).catch((error: unknown) => {
      throw isSecretsError(error) ? this.#located(error) : error;
    });
    this.#running.add(running);
    const done = () => this.#running.delete(running);
    running.then(done, done);
    return running;
  }

  /** Waits for what is under way, gives the login back, closes the connections. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#running);
      const address = this.#addressAt(this.#preferred);
      await this.#within(undefined, (signal) => this.#login.close({ signal, address })).catch(() => {});
      await this.#client.close();
    })();
    return this.#closing;
  }

  async #send(path: string, body: Body, signal: AbortSignal | undefined) {
    const { length } = this.#settings.vault.addresses;
    for (let tried = 1; ; tried++) {
      const place = this.#preferred;
      const address = this.#addressAt(place);
      try {
        return await this.#within(signal, (until) =>
          this.#login.run(
            (session) => {
              const caller = callerOf({ session, signal: until, clock: this.#clock, address });
              return this.#client.call({ purpose: 'transit', path, body, ...caller });
            },
            { signal: until, address },
          ),
        );
      } catch (error) {
        const isElsewhere =
          isSecretsError(error) && (error.code === 'unavailable' || error.code === 'timeout');
        if (!isElsewhere || tried >= length) throw error;
        if (this.#preferred === place) this.#preferred = (place + 1) % length;
      }
    }
  }

  /** Runs `call` until it has taken too long, or its caller has left. */
  async #within<Result>(
    signal: AbortSignal | undefined,
    call: (until: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const overdue = new AbortController();
    const done = new AbortController();
    const { timeoutMs } = this.#settings;
    this.#clock.sleep(timeoutMs, { signal: done.signal, hold: true }).then(
      () => overdue.abort(timedOut(timeoutMs)),
      () => {},
    );
    try {
      const both = signal === undefined ? overdue.signal : AbortSignal.any([signal, overdue.signal]);
      return await call(both);
    } catch (error) {
      throw overdue.signal.aborted && signal?.aborted !== true ? overdue.signal.reason : error;
    } finally {
      done.abort();
    }
  }

  #outcome<Result>(
    operation: string,
    answer: JsonObject,
    read: (answer: JsonObject) => Result | undefined,
  ): Result | SecretsError {
    const result = read(answer);
    if (result !== undefined) return result;
    const words = textOf(answer.error);
    if (words === undefined) return this.#located(odd());
    const facts: CallFacts = { purpose: 'transit', path: this.#pathOf(operation), capability: 'update' };
    const body = { kind: 'json', content: { errors: [words] } } as const;
    const refusal = { status: 400, body, retryAfterMs: undefined, index: undefined };
    return this.#located(answerError(refusal, facts) ?? odd());
  }

  #pathOf(operation: string): string {
    return `${this.#settings.mount}/${operation}/${this.#settings.key}`;
  }

  #addressAt(place: number): string {
    const { addresses } = this.#settings.vault;
    return (addresses[place] ?? addresses[0]).name;
  }

  #located(error: SecretsError): SecretsError {
    return error.at({ ref: `${this.#settings.mount}/keys/${this.#settings.key}`, provider: 'transit' });
  }
}

function odd(): SecretsError {
  return new SecretsError('bad-response', {
    problem: 'The answer is not that of a transit engine.',
    remedy: 'Check the setting mount, and what answers at address.',
  });
}

function timedOut(limitMs: number): SecretsError {
  return new SecretsError('timeout', {
    problem: `No answer within ${Math.round(limitMs)} ms.`,
    remedy: 'Check that address can be reached and is not overloaded, or raise timeout.',
  });
}

function closed(): SecretsError {
  return new SecretsError('closed', {
    problem: 'The transit client was closed.',
    remedy: 'Close it last, after what uses it.',
  });
}
