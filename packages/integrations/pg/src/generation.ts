import type { Credential } from './credential.js';
import type { InnerClient } from './pg-internals.js';

const generations = new WeakMap<object, Generation>();
const opened = new WeakSet<object>();

/**
 * What is thought of a generation: `dead` ones have been replaced because the server turned them away, and
 * their connections serve nobody any more.
 */
export type Standing = 'good' | 'suspected' | 'dead';

/** One credential, and the connections that were opened with it. */
export class Generation {
  readonly number: number;
  readonly user: string;
  readonly #password: string;
  readonly #settings: Readonly<Record<string, unknown>>;
  /** The connections that are open or opening, each with who waits for its end. */
  readonly #clients = new Map<InnerClient, (() => void)[]>();
  #isEmptied: () => void = () => {};
  #retirement: Promise<void> | undefined;
  /** The server refused the last login with it. */
  isRefused = false;
  standing: Standing = 'good';
  /** Whether another generation replaced it on suspicion. There is one trial for each generation, never two. */
  trial: Promise<boolean> | undefined;
  /** It was proven in a place that was free: since then the pool has one connection more. */
  isExtra = false;

  constructor(number: number, { user, password, settings }: Credential) {
    this.number = number;
    this.user = user;
    this.#password = password;
    this.#settings = settings;
  }

  /** The generation that opened `client`. */
  static of(client: object): Generation | undefined {
    return generations.get(client);
  }

  /** Whether another one is in service: its connections are to be replaced. */
  get isRetired(): boolean {
    return this.#retirement !== undefined;
  }

  /** The plaintext. Only a connection that logs in asks for it. */
  revealPassword(): string {
    return this.#password;
  }

  /** What else the secret says about how to connect; may hold a private key. */
  revealSettings(): Readonly<Record<string, unknown>> {
    return this.#settings;
  }

  /** Counts a connection that is about to be opened with it. */
  admit(client: InnerClient): void {
    generations.set(client, this);
    this.#clients.set(client, []);
  }

  /** The login of a connection succeeded: the server takes the credential. */
  opened(client: InnerClient): void {
    opened.add(client);
    this.isRefused = false;
  }

  /** Whether `client` has logged in. */
  static hasOpened(client: InnerClient): boolean {
    return opened.has(client);
  }

  /** A connection of it has closed. */
  lose(client: InnerClient): void {
    const waiting = this.#clients.get(client) ?? [];
    this.#clients.delete(client);
    for (const resolve of waiting) resolve();
    if (this.#clients.size === 0) this.#isEmptied();
  }

  /** Resolves when the connection of `client` is closed. */
  closed(client: InnerClient): Promise<void> {
    const waiting = this.#clients.get(client);
    return waiting === undefined ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
  }

  /** Another one is in service, or none. Resolves when its last connection is closed. */
  retire(): Promise<void> {
    this.#retirement ??= new Promise((resolve) => {
      this.#isEmptied = resolve;
    });
    if (this.#clients.size === 0) this.#isEmptied();
    return this.#retirement;
  }

  /**
   * Breaks every connection of it; what is under way there fails with `reason`. One that is closing already serves
   * nobody, and must not fail: the pool would emit an `error` that nobody expects.
   */
  cut(reason: Error | undefined): void {
    for (const client of this.#clients.keys()) {
      if (client.connection === undefined) client.end();
      else client.connection.stream.destroy(client._ending ? undefined : reason);
    }
  }
}
