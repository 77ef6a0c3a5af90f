import type { ErrorCode } from '@keyturn/core/provider';

/** What the sentences of an error may name. */
export interface ErrorFacts {
  /** The action of the service, such as `GetSecretValue`. */
  readonly action: string;
  /** What the call is about: a name or a prefix. */
  readonly subject: string;
  /** Undefined where the SDK has found it out by itself. */
  readonly region: string | undefined;
}

/** Words for people, or how to make them. */
export type Sentence = string | ((facts: ErrorFacts) => string);

/** One line of a table of errors: applies when everything that it names is so. */
export interface ErrorRow {
  /** AWS's code, the SDK's name for the failure, or Node's code of a connection. */
  readonly when?: RegExp;
  /** What AWS's own words match. */
  readonly says?: RegExp;
  /** The status of the answer, from and to. */
  readonly status?: readonly [from: number, to: number];
  readonly code: ErrorCode;
  readonly problem: Sentence;
  readonly remedy: Sentence;
  /** What may make the same call succeed at once. */
  readonly retryAs?: 'clock' | 'credentials';
}
