import type { DescribeSecretCommandOutput } from '@aws-sdk/client-secrets-manager';
import { SecretsError, type SecretVersion } from '@keyturn/core/provider';
import { isAnswerTo } from './secret-id.js';

/** A value as GetSecretValue and BatchGetSecretValue give it. */
export interface Answer {
  readonly ARN?: string | undefined;
  readonly Name?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly VersionStages?: readonly string[] | undefined;
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Uint8Array | undefined;
  readonly CreatedDate?: { toISOString(): string } | undefined;
}

/**
 * An answer as a version. A text stays a text: one that is a JSON object has fields all the same.
 *
 * @param id what was asked for; an answer for another secret is refused
 * @param wanted the version that was asked for, where one was; another one is refused
 * @throws SecretsError `bad-response`
 */
export function secretVersion(id: string, answer: Answer, wanted?: string): SecretVersion {
  const { ARN, Name, VersionId, VersionStages = [], SecretString, SecretBinary, CreatedDate } = answer;
  if (typeof VersionId !== 'string' || VersionId === '') throw bad('has no version');
  if (!isAnswerTo(id, answer)) throw bad('is of another secret');
  if (wanted !== undefined && wanted !== VersionId) throw bad('is of another version');
  const data = SecretString ?? SecretBinary;
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) throw bad('has no value');
  return {
    data,
    version: VersionId,
    metadata: {
      ...(Name === undefined ? {} : { name: Name }),
      ...(ARN === undefined ? {} : { arn: ARN }),
      stages: VersionStages.join(', '),
      ...(CreatedDate === undefined ? {} : { createdAt: CreatedDate.toISOString() }),
    },
  };
}

/** When a secret is rotated, for people. */
export function rotationFacts(description: DescribeSecretCommandOutput): Record<string, string> {
  const { RotationEnabled = false, NextRotationDate, LastRotatedDate } = description;
  return {
    rotation: RotationEnabled ? 'on' : 'off',
    ...(NextRotationDate === undefined ? {} : { rotationDueBy: NextRotationDate.toISOString() }),
    ...(LastRotatedDate === undefined ? {} : { lastRotatedAt: LastRotatedDate.toISOString() }),
  };
}

function bad(what: string): SecretsError {
  return new SecretsError('bad-response', {
    problem: `The answer ${what}.`,
    remedy: 'Check the setting endpoint, and what stands between here and AWS; the value held before stays.',
  });
}
