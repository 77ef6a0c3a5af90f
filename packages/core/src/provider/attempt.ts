/** What a call is made with: until when, and where. */
export interface Attempt {
  readonly signal: AbortSignal;
  /** Which of the provider's addresses to call; undefined where it names none. */
  readonly address: string | undefined;
}
