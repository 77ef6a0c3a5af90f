import { SecretsError } from '@keyturn/core/provider';
import type { HttpAnswer } from './answer.js';
import { applies, type CallFacts, type Sentence } from './answer-row.js';
import { ANSWER_ROWS } from './answer-rows.js';
import { objectOf } from './json-object.js';

/**
 * What `answer` means to the call that it answers, or undefined when it is a success.
 *
 * No word of the answer itself gets into the error: the store quotes connection strings and tokens in some.
 */
export function answerError(answer: HttpAnswer, facts: CallFacts): SecretsError | undefined {
  if (isBatch(answer, facts)) return undefined;
  const row = ANSWER_ROWS.find((candidate) => applies(candidate, answer, facts));
  if (row === undefined) return undefined;
  const say = (sentence: Sentence) => (typeof sentence === 'string' ? sentence : sentence(facts, answer));
  return new SecretsError(row.code, {
    status: answer.status,
    retryAfterMs: answer.retryAfterMs,
    problem: say(row.problem),
    remedy: say(row.remedy),
  });
}

/** A batch in which something failed may come with any status, and says of each item how it fared. */
function isBatch({ body }: HttpAnswer, { purpose }: CallFacts): boolean {
  if (purpose !== 'transit' || body.kind !== 'json') return false;
  return Array.isArray(objectOf(body.content.data)?.batch_results);
}
