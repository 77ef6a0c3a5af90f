import { isSecretsError, SecretsError } from '@keyturn/core/provider';
import { orAborted } from './abort-reason.js';
import { awsError, isWorthAnother } from './aws-error.js';
import { type AwsConfig, type AwsSdkClient, endpointIn } from './aws-settings.js';
import { type Actions, SERVICE } from './service.js';

/** What a call of the service is made with. */
export interface CallFacts {
  /** Which region to call; undefined for the one that the settings or the SDK say. */
  readonly region: string | undefined;
  readonly signal: AbortSignal;
  /** What it is about, for people: a name or a prefix, never a value. */
  readonly subject: string;
}

/** A client of the SDK, whether its own or the application's. */
interface Client extends AwsSdkClient {
  readonly config?: { readonly region?: () => Promise<string> };
  destroy?(): void;
}

type Constructor<Made> = new (input: object) => Made;

/** A client and the calls that it is busy with. */
class Line {
  readonly client: Client;
  readonly #isOurs: boolean;
  #busy = 0;
  #isRetired = false;

  constructor(client: Client, isOurs: boolean) {
    this.client = client;
    this.#isOurs = isOurs;
  }

  async use<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    this.#busy++;
    try {
      return await work(this.client);
    } finally {
      this.#busy--;
      this.#destroyIfDone();
    }
  }

  /** Closes its connections once no call is busy with it. */
  retire(): void {
    this.#isRetired = true;
    this.#destroyIfDone();
  }

  #destroyIfDone(): void {
    if (this.#isRetired && this.#isOurs && this.#busy === 0) this.client.destroy?.();
  }
}

/**
 * The service through its SDK, which is loaded at the first call, for it takes 70 ms. One client a region, made when
 * it is first called. The SDK's own retries are off: each would repeat what the core repeats.
 */
export class AwsClient {
  readonly #config: AwsConfig;
  readonly #load: () => Promise<object>;
  readonly #lines = new Map<string, Promise<Line>>();
  #isClosed = false;

  /** @param load what loads the SDK */
  constructor(config: AwsConfig, load = SERVICE.load) {
    this.#config = config;
    this.#load = load;
  }

  /** The region that was set; undefined where the SDK finds it. */
  get region(): string | undefined {
    return this.#config.region;
  }

  /** The region that calls for `region` go to, as far as it can be known. */
  async regionOf({ region, signal, subject }: CallFacts): Promise<string | undefined> {
    const known = region ?? this.region;
    if (known !== undefined) return known;
    try {
      const asked = async () => (await this.#line('')).client.config?.region?.();
      return await orAborted(asked(), signal);
    } catch (error) {
      throw isSecretsError(error) ? error : awsError(error, { action: '', subject, region });
    }
  }

  /**
   * Calls `action`. Once more at once when the SDK has learnt from the answer that this host's clock is wrong and
   * corrects for it, or when the credentials had expired and may have been replaced.
   *
   * @throws SecretsError as the tables of errors say; the signal's reason when it aborts
   */
  async call<Action extends keyof Actions & string>(
    action: Action,
    input: Actions[Action]['input'],
    facts: CallFacts,
  ): Promise<Actions[Action]['output']> {
    const { region, signal, subject } = facts;
    for (let isLast = false; ; isLast = true) {
      try {
        return (await orAborted(this.#send(action, input, facts), signal)) as Actions[Action]['output'];
      } catch (error) {
        if (isSecretsError(error)) throw error;
        if (isLast || !this.#isWorthAnother(error)) {
          throw awsError(error, { action, subject, region: region ?? this.region });
        }
      }
    }
  }

  /**
   * Calls `action` page after page, as the caller goes on.
   *
   * @throws SecretsError as `call` does; `bad-response` for a page that leads back to one before, because to stop there
   * would make a part of the pages look like all of them
   */
  async *pages<Action extends keyof Actions & string>(
    action: Action,
    input: Actions[Action]['input'],
    facts: CallFacts,
  ): AsyncIterable<Actions[Action]['output']> {
    const seen = new Set<string>();
    let token: string | undefined;
    do {
      const page = await this.call(
        action,
        token === undefined ? input : { ...input, NextToken: token },
        facts,
      );
      yield page;
      token = (page as { readonly NextToken?: string | undefined }).NextToken || undefined;
      if (token !== undefined && seen.has(token)) throw goesInCircles(action);
      if (token !== undefined) seen.add(token);
    } while (token !== undefined);
  }

  /** Closes every connection, and opens none any more. A client of the application's own is left as it is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const key of [...this.#lines.keys()]) await this.#retire(key);
  }

  async #send(action: string, input: object, { region, signal }: CallFacts): Promise<unknown> {
    const key = region ?? '';
    const line = await this.#line(key);
    const sdk = await this.#sdk();
    signal.throwIfAborted();
    const Command = sdk[`${action}Command`] as Constructor<never> | undefined;
    if (Command === undefined) {
      throw new SecretsError('invalid-config', {
        problem: `${SERVICE.call} needs ${action}, which the installed ${SERVICE.sdk} lacks.`,
        remedy: `Run: npm install ${SERVICE.sdk}@latest`,
      });
    }
    try {
      return await line.use((client) => client.send(new Command(input), { abortSignal: signal }));
    } catch (error) {
      // A new client asks for credentials anew; this one may hold expired ones for good.
      if (this.#isWorthAnother(error) === 'credentials') await this.#retire(key, line);
      throw error;
    }
  }

  /** Credentials that were given as they are do not change. */
  #isWorthAnother(error: unknown): 'clock' | 'credentials' | undefined {
    const { client, credentials } = this.#config;
    const areFixed = client !== undefined || typeof credentials === 'object';
    const why = isWorthAnother(error);
    return why === 'credentials' && areFixed ? undefined : why;
  }

  async #line(key: string): Promise<Line> {
    if (this.#isClosed) throw closed();
    const held = this.#lines.get(key);
    if (held !== undefined) return held;
    const made = this.#open(key);
    this.#lines.set(key, made);
    made.catch(() => this.#lines.delete(key));
    return made;
  }

  async #open(key: string): Promise<Line> {
    const { client, endpoint, credentials, region = key } = this.#config;
    if (client !== undefined) return new Line(client, false);
    const url = endpointIn(region, endpoint);
    const Client = (await this.#sdk())[SERVICE.client] as Constructor<Client>;
    const made = new Client({
      maxAttempts: 1,
      customUserAgent: [[`keyturn-${SERVICE.name}`]],
      ...(region === '' ? {} : { region }),
      ...(url === undefined ? {} : { endpoint: url }),
      ...(credentials === undefined ? {} : { credentials }),
    });
    return new Line(made, true);
  }

  async #retire(key: string, only?: Line): Promise<void> {
    const line = await this.#lines.get(key)?.catch(() => undefined);
    if (line === undefined || (only !== undefined && line !== only)) return;
    this.#lines.delete(key);
    line.retire();
  }

  async #sdk(): Promise<Readonly<Record<string, unknown>>> {
    try {
      return (await this.#load()) as Readonly<Record<string, unknown>>;
    } catch (cause) {
      throw sdkMissing(cause);
    }
  }
}

function goesInCircles(action: string): SecretsError {
  return new SecretsError('bad-response', {
    problem: `The pages of ${action} go in circles.`,
    remedy: 'Check the setting endpoint, and what stands between here and AWS; the value held before stays.',
  });
}

function closed(): SecretsError {
  return new SecretsError('closed', {
    problem: 'The provider is closed.',
    remedy: `Call close() last, or make another one with ${SERVICE.call}.`,
  });
}

function sdkMissing(cause: unknown): SecretsError {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return new SecretsError('invalid-config', {
    problem: `${SERVICE.call} needs ${SERVICE.sdk}, which ${isMissing ? 'is not installed' : 'cannot be loaded'}.`,
    remedy: `Run: npm install ${SERVICE.sdk}`,
    cause,
  });
}
