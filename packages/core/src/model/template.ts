/** What can be asked for: a reference, or a template over one. */
export type SecretInput = string | Template;

/** A text with places for fields of a secret. Made by {@link template}. */
export interface Template {
  readonly text: string;
  readonly ref: string;
}
