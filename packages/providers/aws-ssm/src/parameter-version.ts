import type { Parameter } from '@aws-sdk/client-ssm';
import { SecretsError, type SecretVersion } from '@keyturn/core/provider';

/**
 * A parameter as a version. A list (`StringList`) is its text, with commas.
 *
 * @param wanted the version that was asked for, where one was; another one is refused
 * @throws SecretsError `bad-response`
 */
export function parameterVersion(parameter: Parameter | undefined, wanted?: string): SecretVersion {
  const { Name, Value, Version, Type, ARN, LastModifiedDate } = parameter ?? {};
  if (typeof Version !== 'number' || !(Version > 0)) throw bad('has no version');
  if (wanted !== undefined && wanted !== String(Version)) throw bad('is of another version');
  if (typeof Value !== 'string') throw bad('has no value');
  return {
    data: Value,
    version: String(Version),
    metadata: {
      ...(Name === undefined ? {} : { name: Name }),
      ...(ARN === undefined ? {} : { arn: ARN }),
      ...(Type === undefined ? {} : { type: Type }),
      ...(LastModifiedDate === undefined ? {} : { lastModifiedAt: LastModifiedDate.toISOString() }),
    },
  };
}

/** Whether an answer is for what was asked for by name or ARN. */
export function isAnswerTo(name: string, { Name, ARN }: Parameter): boolean {
  return Name === name || ARN === name || (name.startsWith('arn:') && name.endsWith(`:parameter${Name}`));
}

export function bad(what: string): SecretsError {
  return new SecretsError('bad-response', {
    problem: `The answer ${what}.`,
    remedy: 'Check the setting endpoint, and what stands between here and AWS; the value held before stays.',
  });
}
