import type { Transform } from 'node:stream';
import type { TokenShape } from './shapes/token-shape.js';

/** The two things a redactor needs of time. A `Clock` of @keyturn/core is one. */
export interface RedactorClock {
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Resolves after `delayMs`, or rejects when `signal` aborts; keeps the process alive meanwhile if `hold` is set. */
  sleep(delayMs: number, options?: { readonly signal?: AbortSignal; readonly hold?: boolean }): Promise<void>;
}

/** How a redactor is made. */
export interface RedactorOptions {
  /** How long a retired value is still masked, in milliseconds or as `'1h'`. Default one hour. */
  readonly keepRetired?: number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;
  /** Say whose value a mask covers: `[REDACTED vault:db#password]`. Default false. */
  readonly showRef?: boolean;
  /** Mask what looks like a token of a known vendor, a JWT, a private key or a password in a URL. Default true. */
  readonly shapes?: boolean;
  /** Shapes of tokens besides those that are known. */
  readonly moreShapes?: readonly TokenShape[];
  /** Names of keys whose value is always masked, besides those that are known (`password`, `authorization`, …). */
  readonly keys?: readonly string[];
  /** Places in objects that are always masked: `user.ssn`, `cards[*].number`, `*.pin`. */
  readonly paths?: readonly string[];
  /** How deep {@link Redactor.redactObject} goes. Default 10. */
  readonly maxDepth?: number;
  /** How many properties and elements {@link Redactor.redactObject} copies altogether. Default 10,000. */
  readonly maxEntries?: number;
  /** Told when a live value was found and masked: something upstream leaks. What it throws is dropped. */
  readonly onHit?: (hit: Hit) => void;
  /** Told when a value cannot be protected as it should. What it throws is dropped. */
  readonly onWarning?: (warning: RedactorWarning) => void;
  /** Default the host's clock. */
  readonly clock?: RedactorClock;
}

/** A live value turned up where it should not. */
export interface Hit {
  /** Whose value it was. */
  readonly ref: string;
  /** Where, in the words of whoever asked for the redaction; absent when they gave none. */
  readonly sink: string | undefined;
}

/** A value that cannot be protected as it should. */
export interface RedactorWarning {
  readonly code: 'too-short';
  readonly ref: string;
  readonly message: string;
}

/** How a stream is redacted. */
export interface RedactStreamOptions {
  /** Names the place for {@link Hit.sink}. */
  readonly sink?: string;
  /** How long the stream waits for more before it gives out what it holds back, in milliseconds. Default 50. */
  readonly idleMs?: number;
}

/** Keeps values out of texts, objects and streams. */
export interface Redactor {
  /**
   * Registers a plaintext: from now on it is masked, in all its forms. Adding it again does nothing more.
   *
   * A value of fewer than 4 characters is not looked for, and reported as a warning.
   */
  add(value: string | Uint8Array, ref: string): void;
  /** Says that `value` is no longer current under `ref`: it is masked for a while longer, then forgotten. */
  retire(value: string | Uint8Array, ref: string): void;
  /** `text` with everything secret in it masked; the same string if there is nothing. */
  redact(text: string, sink?: string): string;
  /**
   * A copy of `value` for a logger, with everything secret in it masked. Nothing in `value` changes.
   *
   * Masks by key and path, and in every string, also in errors with their stacks and causes. Binary data becomes
   * its size. Getters are not called.
   */
  redactObject(value: unknown, sink?: string): unknown;
  /** A stream that masks the bytes that pass through it. */
  redactStream(options?: RedactStreamOptions): Transform;
  /**
   * Runs `run` and masks `values` too in everything that this redactor is given meanwhile, in `run` and in whatever
   * it starts; elsewhere nothing changes. Returns what `run` returns.
   *
   * Each value comes with a name for its mask. They are gone through at the first search, or never. They are not
   * live, so finding one is no {@link Hit}. Where streams are shared, as by `guardStdio`, whoever completes a line
   * decides about it.
   */
  during<Result>(values: Iterable<readonly [value: string, ref: string]>, run: () => Result): Result;
  /** Values that could not be protected as they should, in the order in which they were added. */
  readonly warnings: readonly RedactorWarning[];
}
