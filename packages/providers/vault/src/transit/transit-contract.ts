import type { SecretsError } from '@keyturn/core/provider';

/** Ends a call early. */
export interface CallSettings {
  readonly signal?: AbortSignal;
}

/** What a ciphertext is bound to: given when it is made, and needed ever after. */
export interface Binding {
  /** For a derived key: what the actual key is derived from. */
  readonly context?: Uint8Array;
  /** Authenticated with it and not in it (AEAD): whose record it is, say. */
  readonly associatedData?: Uint8Array;
}

export interface EncryptItem extends Binding {
  readonly plaintext: Uint8Array;
  /** Default: the latest. */
  readonly keyVersion?: number;
}

export interface DecryptItem extends Binding {
  readonly ciphertext: string;
}

export interface RewrapItem {
  readonly ciphertext: string;
  readonly context?: Uint8Array;
}

export interface SignItem {
  readonly input: Uint8Array;
  readonly context?: Uint8Array;
}

export interface VerifyItem extends SignItem {
  readonly signature: string;
}

/** How to sign. What is left out is the store's default for the type of the key. */
export interface SignSettings extends CallSettings {
  readonly hashAlgorithm?: string;
  readonly signatureAlgorithm?: 'pss' | 'pkcs1v15';
  /** `jws` for ECDSA signatures as JSON Web Signatures have them. */
  readonly marshaling?: 'asn1' | 'jws';
  /** The input is a digest already, by `hashAlgorithm`. */
  readonly prehashed?: boolean;
  /** To sign with; a signature says itself which one it is by. Default: the latest. */
  readonly keyVersion?: number;
}

export interface HmacSettings extends CallSettings {
  /** Default `sha2-256`. */
  readonly algorithm?: string;
  readonly keyVersion?: number;
}

export interface DatakeySettings extends CallSettings {
  readonly bits?: 128 | 256 | 512;
  readonly context?: Uint8Array;
}

/** A key to encrypt with here, and the form of it to keep, which `decrypt` turns back. */
export interface Datakey {
  readonly plaintext: Uint8Array;
  readonly ciphertext: string;
}

/** One result or error for each item, in order; tell them apart by `isSecretsError`. */
export type Outcomes<Result> = readonly (Result | SecretsError)[];

/**
 * Cryptography with a key that never leaves the store. Plaintext is bytes, going in and coming out.
 *
 * Every call rejects with a `SecretsError`. Those for many reject when the store did not come to look at the items; what
 * is wrong with one item stands in its place.
 */
export interface Transit extends AsyncDisposable {
  /** The ciphertext, as the store writes it: `vault:v1:…`, with the version of the key. */
  encrypt(
    plaintext: Uint8Array,
    settings?: Binding & CallSettings & { readonly keyVersion?: number },
  ): Promise<string>;
  encryptMany(items: readonly EncryptItem[], settings?: CallSettings): Promise<Outcomes<string>>;
  decrypt(ciphertext: string, settings?: Binding & CallSettings): Promise<Uint8Array>;
  decryptMany(items: readonly DecryptItem[], settings?: CallSettings): Promise<Outcomes<Uint8Array>>;
  /** The same plaintext under the latest version of the key, without its being shown to anybody. */
  rewrap(ciphertext: string, settings?: Omit<RewrapItem, 'ciphertext'> & CallSettings): Promise<string>;
  rewrapMany(items: readonly RewrapItem[], settings?: CallSettings): Promise<Outcomes<string>>;
  /** The signature, as the store writes it: `vault:v1:…`. */
  sign(input: Uint8Array, settings?: SignSettings & Omit<SignItem, 'input'>): Promise<string>;
  signMany(items: readonly SignItem[], settings?: SignSettings): Promise<Outcomes<string>>;
  /** Whether it is the signature of `input` under this key. A malformed one is none. */
  verify(
    input: Uint8Array,
    signature: string,
    settings?: SignSettings & Omit<SignItem, 'input'>,
  ): Promise<boolean>;
  verifyMany(items: readonly VerifyItem[], settings?: SignSettings): Promise<Outcomes<boolean>>;
  hmac(input: Uint8Array, settings?: HmacSettings): Promise<string>;
  hmacMany(
    items: readonly { readonly input: Uint8Array }[],
    settings?: HmacSettings,
  ): Promise<Outcomes<string>>;
  /** Whether `hmac` is that of `input` under this key and algorithm. */
  verifyHmac(input: Uint8Array, hmac: string, settings?: HmacSettings): Promise<boolean>;
  /** A new random key. The store has no call for several. */
  datakey(settings?: DatakeySettings): Promise<Datakey>;
  /** Waits for the calls under way, and gives the login back. */
  close(): Promise<void>;
}
