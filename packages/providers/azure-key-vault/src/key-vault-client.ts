/** A `Date`, as far as it is used. */
export interface Moment {
  toISOString(): string;
}

/** What Key Vault says of a secret besides its value, as far as it is used. */
export interface SecretFacts {
  readonly name?: string;
  readonly version?: string | undefined;
  readonly contentType?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly expiresOn?: Moment | undefined;
  readonly notBefore?: Moment | undefined;
  readonly createdOn?: Moment | undefined;
  readonly updatedOn?: Moment | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** The answer to a read, as far as it is used. */
export interface ReadSecret {
  readonly value?: string | undefined;
  readonly properties: SecretFacts;
}

/** The part of `SecretClient` (`@azure/keyvault-secrets`) that is used. */
export interface KeyVaultClient {
  getSecret(name: string, options: { version?: string; abortSignal: AbortSignal }): Promise<ReadSecret>;
  listPropertiesOfSecrets(options: { abortSignal: AbortSignal }): AsyncIterable<SecretFacts>;
}

/** A `TokenCredential` of `@azure/identity`, or your own. */
export interface TokenCredential {
  getToken(
    scopes: string | string[],
    options?: object,
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/** A step of the SDK's pipeline, as far as it is used. */
export interface PipelinePolicy {
  readonly name: string;
  sendRequest<Request, Response extends PipelineAnswer>(
    request: Request,
    next: (request: Request) => Promise<Response>,
  ): Promise<Response>;
}

export interface PipelineAnswer {
  readonly status: number;
  readonly bodyAsText?: string | null | undefined;
}
