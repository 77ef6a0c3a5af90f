import { type Secret, type SecretInput, type Secrets, SecretsError } from '@keyturn/core';

/**
 * A secret as a class holds it: always the version in service, never a copy that grows old. What `@InjectSecret`
 * injects.
 */
export class LiveSecret {
  readonly #secrets: Secrets;
  readonly #input: SecretInput;

  /** Made by the module; tests may make their own. */
  constructor(secrets: Secrets, input: SecretInput) {
    this.#secrets = secrets;
    this.#input = input;
  }

  /**
   * The version in service, at once.
   *
   * @throws SecretsError `unavailable` when none may be handed out now: its lease has ended, or `preload` is off and
   * it has not been fetched yet
   */
  get current(): Secret {
    const secret = this.#secrets.peekSecret(this.#input);
    if (secret !== undefined) return secret;
    throw new SecretsError('unavailable', {
      ref: String(this.#input),
      problem: 'No version of it is at hand.',
      remedy: 'Await get(), which fetches one; the event refresh-failed says why the store gives none.',
    });
  }

  /**
   * The version in service; waits for its store where none is at hand.
   *
   * @throws SecretsError with the code that says why there is none
   */
  get(options?: { readonly signal?: AbortSignal }): Promise<Secret> {
    return this.#secrets.getSecret(this.#input, options);
  }

  toString(): string {
    return `LiveSecret(${String(this.#input)})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
