/** How to log in. Made by `token`, `approle`, `kubernetes` and `jwt`; it shows nothing of what it holds. */
export interface Auth {
  /** For people: `approle`. */
  readonly method: string;
  /** What to look at when the store refuses the login. */
  readonly advice: string;
  /** Reads what the login needs, from disk where it lies there: asked anew for each login. */
  read(signal: AbortSignal): Promise<Login>;
}

/** A token that is there already, or where to send what for one. */
export type Login =
  | { readonly token: string }
  | { readonly path: string; readonly body: Readonly<Record<string, string>> };
