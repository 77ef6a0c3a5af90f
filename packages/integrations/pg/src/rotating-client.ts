import type pg from 'pg';
import { isGiven } from './credential.js';
import { isRefusal } from './dead-credential.js';
import { Generation } from './generation.js';
import type { ConnectCallback, InnerClient, InnerClientConstructor } from './pg-internals.js';

/** The server's questions for a password. */
const QUESTIONS = [
  'authenticationCleartextPassword',
  'authenticationMD5Password',
  'authenticationSASL',
  'authenticationSASLContinue',
] as const;

/** Who decides what a connection is opened with, and hears what becomes of it. */
export interface CredentialSupply {
  /** The generation to open a connection with. */
  next(): Generation | Promise<Generation>;
  /** The server refused the login; its end of the connection closes in a moment. */
  refused(client: InnerClient, generation: Generation, error: object): void;
  /** The server answered a statement with `error`; nobody else has seen it yet. */
  reported(client: InnerClient, generation: Generation, error: unknown): void;
}

/**
 * A class of pg clients that ask for their credential when they connect, not when they are made.
 *
 * User, password and whatever else the secret says are taken from one generation at one moment: pg by itself
 * reads the user when a client is made and the password when the server asks, and between the two a rotation
 * mixes them. The password can be read from the client only while pg answers the server's question for it.
 */
export function rotatingClient(
  Base: InnerClientConstructor,
  supply: CredentialSupply,
): InnerClientConstructor {
  class RotatingClient extends Base {
    readonly #config: pg.ClientConfig | undefined;

    constructor(config?: pg.ClientConfig) {
      super(config);
      this.#config = config;
      // A backend that dies under a checked-out client that nobody listens to would end the process.
      this.on('error', () => {});
    }

    override connect(callback?: ConnectCallback): unknown {
      if (callback === undefined) {
        return new Promise((resolve, reject) => {
          this.connect((error) => (error ? reject(error) : resolve(this)));
        });
      }
      const next = supply.next();
      if (next instanceof Generation) this.#open(next, callback);
      else this.#openLater(next, callback);
      return undefined;
    }

    /** Waits for the credential, or until the pool gives this client up by destroying its stream. */
    #openLater(next: Promise<Generation>, callback: ConnectCallback): void {
      const stream = this.connection?.stream;
      let isSettled = false;
      // Leaves the promise before anything of the application is called, whose errors are not for promises.
      const settle = (step: () => void) => {
        if (isSettled) return;
        isSettled = true;
        stream?.off('close', givenUp);
        process.nextTick(step);
      };
      const givenUp = () => settle(() => callback(new Error('Connection terminated unexpectedly')));
      stream?.once('close', givenUp);
      next.then(
        (generation) => settle(() => this.#open(generation, callback)),
        (error: unknown) => settle(() => callback(error)),
      );
    }

    #open(generation: Generation, callback: ConnectCallback): void {
      try {
        this.#configure(generation);
      } catch (error) {
        callback(error);
        return;
      }
      generation.admit(this);
      this.once('end', () => generation.lose(this));
      const show = (password: string | null) => {
        for (const holder of [this, this.connectionParameters]) Object.assign(holder, { password });
      };
      const onQuestion = (listener: () => void) => {
        for (const event of QUESTIONS) this.connection?.on(event, listener);
      };
      // pg's own handlers of these are added in between, so that the password is there for them and gone after.
      onQuestion(() => show(generation.revealPassword()));
      show(generation.revealPassword());
      super.connect((error) => this.#opened(generation, error, callback));
      show(null);
      onQuestion(() => show(null));
    }

    #opened(generation: Generation, error: unknown, callback: ConnectCallback): void {
      if (!error) {
        this.connection?.prependListener('errorMessage', (reported: unknown) =>
          supply.reported(this, generation, reported),
        );
        generation.opened(this);
      }
      if (isRefusal(error)) supply.refused(this, generation, error);
      // After a refusal the socket is still to close; whatever else failed has none.
      if (error && (!isRefusal(error) || this.connection === undefined)) generation.lose(this);
      callback(error, this);
    }

    /** Works out every connection parameter anew, by pg's own rules, as if the secret had been configuration. */
    #configure(generation: Generation): void {
      const settings = Object.entries({ ...this.#config }).filter(([, value]) => isGiven(value));
      const Parameters = this.connectionParameters.constructor as new (config: object) => pg.ClientConfig;
      const parameters = new Parameters({
        ...generation.revealSettings(),
        ...Object.fromEntries(settings),
        user: generation.user,
        // Keeps pg from taking one from the environment.
        password: () => '',
      });
      const { user, host, port, database, ssl, sslnegotiation } = parameters;
      Object.assign(this, { connectionParameters: parameters, user, host, port, database });
      if (this.connection === undefined) return;
      const transport = { ssl: ssl || false, sslNegotiation: sslnegotiation ?? 'postgres' };
      Object.assign(this, transport);
      Object.assign(this.connection, transport);
    }
  }
  Object.defineProperty(RotatingClient, 'name', { value: Base.name });
  return RotatingClient;
}
