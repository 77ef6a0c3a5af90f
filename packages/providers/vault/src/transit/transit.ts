import { type Clock, isSecretsError, SecretsError, systemClock } from '@keyturn/core/provider';
import { type JsonObject, textOf } from '../json-object.js';
import { base64Of, bytesIn, textGiven } from './transit-bytes.js';
import { TransitCalls } from './transit-calls.js';
import type {
  Binding,
  CallSettings,
  DatakeySettings,
  DecryptItem,
  EncryptItem,
  HmacSettings,
  Outcomes,
  RewrapItem,
  SignItem,
  SignSettings,
  Transit,
  VerifyItem,
} from './transit-contract.js';
import { type TransitConfig, transitSettings } from './transit-settings.js';

/**
 * The transit engine of HashiCorp Vault or OpenBao for one key.
 *
 * It has a login of its own, apart from that of `vault()`: made at the first call, kept by being used.
 *
 * ```ts
 * const orders = transit({ address: 'https://vault:8200', auth: kubernetes({ role: 'orders' }), key: 'orders' });
 * const kept = await orders.encrypt(Buffer.from('4111 1111 1111 1111'));
 * ```
 *
 * @throws SecretsError `invalid-config` that names the setting, before any I/O
 */
export function transit(config: TransitConfig): Transit {
  return transitOver(config, systemClock);
}

/** The same by another clock, for tests. */
export function transitOver(config: TransitConfig, clock: Clock): Transit {
  return new TransitClient(new TransitCalls(transitSettings(config), clock));
}

class TransitClient implements Transit {
  readonly #calls: TransitCalls;

  constructor(calls: TransitCalls) {
    this.#calls = calls;
  }

  async encrypt(plaintext: Uint8Array, { signal, ...binding }: Parameters<Transit['encrypt']>[1] = {}) {
    return theOnly(await this.encryptMany([{ plaintext, ...binding }], only(signal)));
  }

  async encryptMany(items: readonly EncryptItem[], { signal }: CallSettings = {}) {
    return this.#calls.batch({
      operation: 'encrypt',
      items: items.map(({ plaintext, keyVersion, ...binding }) => ({
        plaintext: base64Of(plaintext, 'plaintext'),
        ...boundTo(binding),
        ...given({ key_version: keyVersion }),
      })),
      signal,
      read: (answer) => textOf(answer.ciphertext),
    });
  }

  async decrypt(ciphertext: string, { signal, ...binding }: Binding & CallSettings = {}) {
    return theOnly(await this.decryptMany([{ ciphertext, ...binding }], only(signal)));
  }

  async decryptMany(items: readonly DecryptItem[], { signal }: CallSettings = {}) {
    return this.#calls.batch({
      operation: 'decrypt',
      items: items.map(({ ciphertext, ...binding }) => ({
        ciphertext: textGiven(ciphertext, 'ciphertext'),
        ...boundTo(binding),
      })),
      signal,
      // An empty text beside an error is none, and without one it is a plaintext of no bytes.
      read: (answer) => (answer.error === undefined ? bytesIn(answer.plaintext) : undefined),
    });
  }

  async rewrap(ciphertext: string, { signal, ...binding }: Parameters<Transit['rewrap']>[1] = {}) {
    return theOnly(await this.rewrapMany([{ ciphertext, ...binding }], only(signal)));
  }

  async rewrapMany(items: readonly RewrapItem[], { signal }: CallSettings = {}) {
    return this.#calls.batch({
      operation: 'rewrap',
      items: items.map(({ ciphertext, context }) => ({
        ciphertext: textGiven(ciphertext, 'ciphertext'),
        ...boundTo({ context }),
      })),
      signal,
      read: (answer) => textOf(answer.ciphertext),
    });
  }

  async sign(input: Uint8Array, { context, ...settings }: Parameters<Transit['sign']>[1] = {}) {
    return theOnly(await this.signMany([{ input, ...given({ context }) }], settings));
  }

  async signMany(items: readonly SignItem[], settings: SignSettings = {}) {
    return this.#calls.batch({
      operation: 'sign',
      items: items.map(({ input, context }) => ({
        input: base64Of(input, 'input'),
        ...boundTo({ context }),
      })),
      options: howToSign(settings),
      signal: settings.signal,
      read: (answer) => textOf(answer.signature),
    });
  }

  async verify(input: Uint8Array, signature: string, settings: Parameters<Transit['verify']>[2] = {}) {
    const { context, ...how } = settings;
    return theOnly(await this.verifyMany([{ input, signature, ...given({ context }) }], how));
  }

  async verifyMany(items: readonly VerifyItem[], settings: SignSettings = {}) {
    return this.#calls.batch({
      operation: 'verify',
      items: items.map(({ input, signature, context }) => ({
        input: base64Of(input, 'input'),
        signature: textGiven(signature, 'signature'),
        ...boundTo({ context }),
      })),
      options: howToSign(settings),
      signal: settings.signal,
      read: verdict,
    });
  }

  async hmac(input: Uint8Array, settings: HmacSettings = {}) {
    return theOnly(await this.hmacMany([{ input }], settings));
  }

  async hmacMany(items: readonly { readonly input: Uint8Array }[], settings: HmacSettings = {}) {
    const { algorithm, keyVersion, signal } = settings;
    return this.#calls.batch({
      operation: 'hmac',
      items: items.map(({ input }) => ({ input: base64Of(input, 'input') })),
      options: given({ algorithm, key_version: keyVersion }),
      signal,
      read: (answer) => textOf(answer.hmac),
    });
  }

  async verifyHmac(input: Uint8Array, hmac: string, { algorithm, signal }: HmacSettings = {}) {
    const item = { input: base64Of(input, 'input'), hmac: textGiven(hmac, 'hmac') };
    const options = given({ algorithm });
    const batch = { operation: 'verify', items: [item], options, signal, read: verdict };
    return theOnly(await this.#calls.batch(batch));
  }

  async datakey({ bits, context, signal }: DatakeySettings = {}) {
    const body = { ...given({ bits }), ...boundTo({ context }) };
    const { data } = await this.#calls.send('datakey/plaintext', body, signal);
    const [plaintext, ciphertext] = [bytesIn(data?.plaintext), textOf(data?.ciphertext)];
    if (plaintext !== undefined && plaintext.length > 0 && ciphertext !== undefined) {
      return { plaintext, ciphertext };
    }
    throw new SecretsError('bad-response', {
      problem: 'The answer holds no key.',
      remedy: 'Check the setting mount, and what answers at address.',
    });
  }

  close(): Promise<void> {
    return this.#calls.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The store answers no to a signature that it cannot read by an error; for who asks, it is a no. */
function verdict(answer: JsonObject): boolean | undefined {
  const words = textOf(answer.error);
  if (words === undefined) return answer.valid === true;
  return /^invalid (?:signature|HMAC)/.test(words) ? false : undefined;
}

function howToSign(settings: SignSettings) {
  const { hashAlgorithm, signatureAlgorithm, marshaling, prehashed, keyVersion } = settings;
  return given({
    hash_algorithm: hashAlgorithm,
    signature_algorithm: signatureAlgorithm,
    marshaling_algorithm: marshaling,
    prehashed,
    key_version: keyVersion,
  });
}

function boundTo({ context, associatedData }: { [Name in keyof Binding]?: Binding[Name] | undefined }) {
  return given({
    context: context === undefined ? undefined : base64Of(context, 'context'),
    associated_data: associatedData === undefined ? undefined : base64Of(associatedData, 'associatedData'),
  });
}

/** Without what is undefined. */
function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}

const only = (signal: AbortSignal | undefined): CallSettings => (signal === undefined ? {} : { signal });

function theOnly<Result>([outcome]: Outcomes<Result>): Result {
  if (isSecretsError(outcome)) throw outcome;
  return outcome as Result;
}
