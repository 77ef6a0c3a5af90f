import { type Rotating, rotating, type Secret, type SecretSource } from '@keyturn/core';
import type { BackendCredential, OpenedIntegration } from '@keyturn/core/testing';

/** What a pool can do wrong. */
export type PoolFault =
  | 'comes as somebody else'
  | 'cuts off what is busy'
  | 'opens without a limit'
  | 'keeps old connections'
  | 'acknowledges too early'
  | 'does not prove'
  | 'gives up when it is refused'
  | 'asks for each refusal'
  | 'asks the store at each use'
  | 'leaves connections open'
  | 'works on after close'
  | 'follows the secret after close'
  | 'shows its password';

interface Connection {
  readonly holder: string;
  isOpen: boolean;
}

interface Generation {
  readonly secret: Secret;
  readonly idle: Connection[];
  busy: number;
  isRetired: boolean;
}

/** A server in memory: it knows who may come and counts who is there. */
export class SmallServer {
  readonly connections = new Set<Connection>();
  readonly #passwords = new Map<string, string>();
  #issued = 0;

  async issue(): Promise<BackendCredential> {
    const holder = `user-${++this.#issued}`;
    const password = `canary-${this.#issued}-${Math.random().toString(36).slice(2)}`;
    this.#passwords.set(holder, password);
    return { data: { username: holder, password }, holder, secrets: [password] };
  }

  async revoke({ holder }: BackendCredential): Promise<void> {
    this.#passwords.delete(holder);
  }

  async liveConnections(holder?: string): Promise<number> {
    return [...this.connections].filter((each) => holder === undefined || each.holder === holder).length;
  }

  connect({ username = '', password }: Record<string, string>): Connection {
    if (this.#passwords.get(username) !== password)
      throw Object.assign(new Error('refused'), { code: '28P01' });
    const connection = { holder: username, isOpen: true };
    this.connections.add(connection);
    return connection;
  }

  /** As a server that ends the sessions of a user that is dropped. */
  query(connection: Connection): string {
    if (!connection.isOpen) throw Object.assign(new Error('cut off'), { code: '57P01' });
    if (!this.#passwords.has(connection.holder)) throw Object.assign(new Error('refused'), { code: '28P01' });
    return connection.holder;
  }

  close(connection: Connection): void {
    connection.isOpen = false;
    this.connections.delete(connection);
  }
}

/** A pool of at most `max` connections on a rotating secret; the smallest that passes the integration suite. */
export class SmallPool implements OpenedIntegration {
  readonly exposed: unknown[] = [this];
  readonly #server: SmallServer;
  readonly #max: number;
  readonly #fault: PoolFault | undefined;
  readonly #live: Rotating<Generation>;
  readonly #source: SecretSource;
  readonly #ref: string;
  readonly #generations = new Set<Generation>();
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(server: SmallServer, source: SecretSource, ref: string, max: number, fault?: PoolFault) {
    this.#server = server;
    this.#max = max;
    this.#fault = fault;
    this.#source = source;
    this.#ref = ref;
    this.#live = rotating<Generation>(source, ref, {
      open: (secret) => this.#open(secret),
      close: (generation) => this.#retire(generation),
    });
  }

  async use(): Promise<string> {
    if (this.#has('works on after close') && this.#isClosed) return 'user-1';
    if (this.#has('asks the store at each use')) await this.#askAgain();
    try {
      return await this.#once();
    } catch (error) {
      if ((error as { code?: string }).code !== '28P01' || this.#has('gives up when it is refused'))
        throw error;
      return this.#once();
    }
  }

  async begin(): Promise<{ use(): Promise<string>; end(): Promise<void> }> {
    const { generation, connection } = await this.#checkOut();
    return {
      use: async () => this.#server.query(connection),
      end: async () => this.#giveBack(generation, connection),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (!this.#has('follows the secret after close')) await this.#live.close();
    else for (const generation of this.#generations) await this.#retire(generation);
  }

  async #once(): Promise<string> {
    const { generation, connection } = await this.#checkOut();
    try {
      await new Promise((resolve) => setImmediate(resolve));
      const holder = this.#server.query(connection);
      return this.#has('comes as somebody else') ? 'somebody' : holder;
    } catch (error) {
      this.#server.close(connection);
      await this.#refused(generation);
      throw error;
    } finally {
      this.#giveBack(generation, connection);
    }
  }

  async #checkOut(): Promise<{ generation: Generation; connection: Connection }> {
    for (;;) {
      const generation = await this.#live.current();
      const connection = generation.idle.pop() ?? (await this.#connectOrReplace(generation));
      if (connection !== undefined) {
        generation.busy++;
        return { generation, connection };
      }
      await this.#released();
    }
  }

  async #connectOrReplace(generation: Generation): Promise<Connection | undefined> {
    try {
      return this.#connect(generation.secret);
    } catch (error) {
      await this.#refused(generation);
      throw error;
    }
  }

  /** The server refuses the credential of `generation`: asks for another. */
  async #refused(generation: Generation): Promise<void> {
    if (this.#has('gives up when it is refused')) return;
    await this.#live.replace(this.#has('asks for each refusal') ? await this.#live.current() : generation);
  }

  #giveBack(generation: Generation, connection: Connection): void {
    generation.busy--;
    if (generation.isRetired && !this.#has('leaves connections open')) this.#server.close(connection);
    else if (connection.isOpen) generation.idle.push(connection);
    this.#wake();
  }

  /** A new connection, if there may be one: an idle one of another generation makes way for it. */
  #connect(secret: Secret): Connection | undefined {
    if (this.#server.connections.size >= this.#max && !this.#has('opens without a limit')) {
      const rest = [...this.#generations].find(
        ({ secret: other, idle }) => other !== secret && idle.length > 0,
      );
      const victim = rest?.idle.pop();
      if (victim === undefined) return undefined;
      this.#server.close(victim);
    }
    return this.#server.connect(secret.revealFields());
  }

  async #open(secret: Secret): Promise<Generation> {
    if (this.#has('shows its password')) this.exposed.push({ options: secret.revealFields() });
    const generation: Generation = { secret, idle: [], busy: 0, isRetired: false };
    this.#generations.add(generation);
    while (!this.#has('does not prove')) {
      const proof = this.#connect(secret);
      if (proof !== undefined) {
        generation.idle.push(proof);
        break;
      }
      await this.#released();
    }
    return generation;
  }

  async #retire(generation: Generation): Promise<void> {
    if (this.#has('keeps old connections') && !this.#isClosed) return;
    generation.isRetired = true;
    if (this.#has('leaves connections open')) return;
    for (const connection of generation.idle.splice(0)) this.#server.close(connection);
    if (this.#has('acknowledges too early')) return;
    if (this.#has('cuts off what is busy')) {
      for (const connection of this.#server.connections) this.#server.close(connection);
      return;
    }
    while (generation.busy > 0) await this.#released();
  }

  async #askAgain(): Promise<void> {
    const asking = this.#source.consume(this.#ref, { adopt() {} });
    try {
      const { version } = await asking.current();
      await asking.replace(version);
    } finally {
      asking.close();
    }
  }

  #released(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #has(fault: PoolFault): boolean {
    return this.#fault === fault;
  }
}
