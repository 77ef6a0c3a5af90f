import { isSecretsError, type SecretsError, type SecretVersion } from '@keyturn/core/provider';
import { abortReason } from './abort-reason.js';
import type { AwsClient, CallFacts } from './aws-client.js';
import { awsError } from './aws-error.js';
import { isAnswerTo } from './secret-id.js';
import { type Answer, secretVersion } from './secret-version.js';

/** How many secrets BatchGetSecretValue takes at once. */
const LARGEST = 20;

/** What became of one. */
export type Outcome = SecretVersion | SecretsError;

/**
 * The current versions of `ids`, by id, twenty a request. What the batch says nothing about, and everything where the
 * batch itself is refused, has no entry: a read of its own gives the reason.
 */
export async function fetchBatch(
  aws: AwsClient,
  ids: ReadonlySet<string>,
  facts: CallFacts,
): Promise<ReadonlyMap<string, Outcome>> {
  const all = [...ids];
  const chunks = Array.from({ length: Math.ceil(all.length / LARGEST) }, (_, index) =>
    all.slice(index * LARGEST, (index + 1) * LARGEST),
  );
  const outcomes = await Promise.all(chunks.map((chunk) => fetchChunk(aws, chunk, facts)));
  return new Map(outcomes.flat());
}

async function fetchChunk(
  aws: AwsClient,
  ids: readonly string[],
  facts: CallFacts,
): Promise<[string, Outcome][]> {
  const outcomes: [string, Outcome][] = [];
  try {
    const pages = aws.pages(
      'BatchGetSecretValue',
      { SecretIdList: [...ids] },
      { ...facts, subject: `${ids.length} secrets` },
    );
    for await (const { SecretValues, Errors } of pages) {
      for (const answer of SecretValues ?? []) outcomes.push(...given(ids, answer));
      for (const { SecretId, ErrorCode, Message } of Errors ?? []) {
        if (SecretId === undefined) continue;
        const about = { action: 'GetSecretValue', subject: SecretId, region: facts.region ?? aws.region };
        outcomes.push([SecretId, awsError({ name: ErrorCode, message: Message }, about)]);
      }
    }
  } catch (error) {
    if (facts.signal.aborted) throw abortReason(facts.signal);
    if (!isSecretsError(error)) throw error;
    // Refused as a whole, and maybe not one by one: the permission for batches is one of its own.
    if (error.code === 'permission-denied' || error.code === 'invalid-ref') return [];
    const done = new Set(outcomes.map(([id]) => id));
    return [...outcomes, ...ids.filter((id) => !done.has(id)).map((id): [string, Outcome] => [id, error])];
  }
  return outcomes;
}

/** One answer may be to several: a secret can be asked for by name and by ARN. */
function given(ids: readonly string[], answer: Answer): [string, Outcome][] {
  return ids
    .filter((id) => isAnswerTo(id, answer))
    .map((id) => {
      try {
        return [id, secretVersion(id, answer)];
      } catch (error) {
        return [id, error as SecretsError];
      }
    });
}
