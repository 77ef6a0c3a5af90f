import type { ErrorCode } from '@keyturn/core/provider';
import { type HttpAnswer, wordsOf } from './answer.js';

/** What a call was for: the same status means one thing to a login and another to a read. */
export type Purpose =
  | 'read'
  | 'list'
  | 'find-mount'
  | 'log-in'
  | 'unwrap'
  | 'look-up-token'
  | 'renew-token'
  | 'revoke-token'
  | 'renew-lease'
  | 'revoke-lease'
  | 'transit';

/** What the sentences of an error may name. */
export interface CallFacts {
  readonly purpose: Purpose;
  /** The path in the store's API, without query. */
  readonly path: string;
  /** What a policy must allow for it. */
  readonly capability: 'read' | 'list' | 'update';
  /** What to look at when the login is refused. */
  readonly advice?: string | undefined;
  /** Whether the request named the state of the store that must have been reached (X-Vault-Index). */
  readonly namesIndex?: boolean;
}

/** Words for people, or how to make them. */
export type Sentence = string | ((facts: CallFacts, answer: HttpAnswer) => string);

/** One line of the table of answers: applies when everything that it names is so. */
export interface AnswerRow {
  readonly status: number | readonly [from: number, to: number];
  readonly purposes?: readonly Purpose[];
  /** What the store's own words match. They decide, and are never repeated: some quote connection strings. */
  readonly says?: RegExp;
  readonly also?: (answer: HttpAnswer, facts: CallFacts) => boolean;
  readonly code: ErrorCode;
  readonly problem: Sentence;
  readonly remedy: Sentence;
}

/** Whether `row` speaks about `answer`. */
export function applies(row: AnswerRow, answer: HttpAnswer, facts: CallFacts): boolean {
  const [from, to] = typeof row.status === 'number' ? [row.status, row.status] : row.status;
  return (
    answer.status >= from &&
    answer.status <= to &&
    (row.purposes === undefined || row.purposes.includes(facts.purpose)) &&
    (row.says === undefined || row.says.test(wordsOf(answer.body))) &&
    (row.also === undefined || row.also(answer, facts))
  );
}
