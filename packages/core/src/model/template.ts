import { SecretsError } from '../errors/secrets-error.js';

/** What can be asked for: a reference, or a template over one. */
export type SecretInput = string | Template;

const PLACE = /\{\{\s*([^{}\s]+)\s*\}\}/g;
const URL_START = /^[a-z][a-z\d+.-]*:\/\//i;

/**
 * A text with places for the fields of one secret. Made by {@link template}; taken wherever a reference is.
 */
export class Template {
  readonly text: string;
  readonly ref: string;

  /** Use {@link template}. */
  constructor(text: string, ref: string) {
    this.text = text;
    this.ref = ref;
  }

  /** The text with `fields` in their places; percent-encoded when the text is a URL. */
  render(fields: Readonly<Record<string, string>>): string {
    const isUrl = URL_START.test(this.text);
    return this.text.replace(PLACE, (_, name: string) => {
      const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (value === undefined || value === '') throw this.#missing(name, Object.keys(fields));
      return isUrl ? encodeURIComponent(value) : value;
    });
  }

  toString(): string {
    return `template(${this.ref})`;
  }

  #missing(name: string, names: readonly string[]): SecretsError {
    return new SecretsError('not-found', {
      ref: this.ref,
      problem: `The template names the field ${JSON.stringify(name)}, which the secret lacks or has empty.`,
      remedy: `It has: ${names.join(', ')}.`,
    });
  }
}

/**
 * A secret made from the fields of another, of one version: a connection string, say. It is a secret itself.
 *
 * Each place `{{field}}` is percent-encoded when the text begins like a URL, and put in as it is otherwise.
 *
 * ```ts
 * const url = template('postgres://{{username}}:{{password}}@db/orders', 'vault:database/creds/orders');
 * (await secrets.getSecret(url)).reveal();
 * ```
 *
 * @throws SecretsError `invalid-config` when the text has no place, or an unclosed one
 */
export function template(text: string, ref: string): Template {
  if (typeof text !== 'string' || typeof ref !== 'string') {
    throw new SecretsError('invalid-config', {
      problem: 'template() takes two texts.',
      remedy: 'Pass the text with its places, and the reference of the secret that fills them.',
    });
  }
  const rest = text.replace(PLACE, '');
  if (rest === text || rest.includes('{{') || rest.includes('}}')) {
    throw new SecretsError('invalid-config', {
      ref,
      problem: 'The template has no place for a field, or one that is not closed.',
      remedy: 'Write places as {{field}}.',
    });
  }
  return new Template(text, ref);
}
