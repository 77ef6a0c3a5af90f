import { isSecretsError, type SecretsError, type SecretVersion } from '@keyturn/core/provider';
import { abortReason } from './abort-reason.js';
import type { AwsClient, CallFacts } from './aws-client.js';
import { awsError } from './aws-error.js';
import { isAnswerTo, parameterVersion } from './parameter-version.js';

/** How many parameters GetParameters takes at once. */
const LARGEST = 10;

/** What became of one. */
export type Outcome = SecretVersion | SecretsError;

/**
 * The newest versions of `names`, by name, ten a request. One that may not be read or decrypted makes AWS refuse all
 * ten: they have no entry, and a read of its own tells each.
 */
export async function fetchBatch(
  aws: AwsClient,
  names: ReadonlySet<string>,
  facts: Omit<CallFacts, 'subject'>,
): Promise<ReadonlyMap<string, Outcome>> {
  const all = [...names];
  const chunks = Array.from({ length: Math.ceil(all.length / LARGEST) }, (_, index) =>
    all.slice(index * LARGEST, (index + 1) * LARGEST),
  );
  const outcomes = await Promise.all(chunks.map((chunk) => fetchChunk(aws, chunk, facts)));
  return new Map(outcomes.flat());
}

async function fetchChunk(
  aws: AwsClient,
  names: readonly string[],
  facts: Omit<CallFacts, 'subject'>,
): Promise<[string, Outcome][]> {
  try {
    const { Parameters = [], InvalidParameters = [] } = await aws.call(
      'GetParameters',
      { Names: [...names], WithDecryption: true },
      { ...facts, subject: `${names.length} parameters` },
    );
    return names.flatMap((name): [string, Outcome][] => {
      const parameter = Parameters.find((one) => isAnswerTo(name, one));
      if (parameter !== undefined) return [[name, attempt(() => parameterVersion(parameter))]];
      if (!InvalidParameters.includes(name)) return [];
      const about = { action: 'GetParameter', subject: name, region: facts.region ?? aws.region };
      return [[name, awsError({ name: 'ParameterNotFound' }, about)]];
    });
  } catch (error) {
    if (facts.signal.aborted) throw abortReason(facts.signal);
    if (!isSecretsError(error)) throw error;
    if (error.code === 'permission-denied' || error.code === 'invalid-ref') return [];
    return names.map((name) => [name, error]);
  }
}

function attempt(make: () => SecretVersion): Outcome {
  try {
    return make();
  } catch (error) {
    return error as SecretsError;
  }
}
