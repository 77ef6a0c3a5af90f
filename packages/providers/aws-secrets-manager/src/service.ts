import type {
  BatchGetSecretValueCommandInput,
  BatchGetSecretValueCommandOutput,
  DescribeSecretCommandInput,
  DescribeSecretCommandOutput,
  GetSecretValueCommandInput,
  GetSecretValueCommandOutput,
  ListSecretsCommandInput,
  ListSecretsCommandOutput,
} from '@aws-sdk/client-secrets-manager';

/** The actions of the service that are used. */
export interface Actions {
  GetSecretValue: { input: GetSecretValueCommandInput; output: GetSecretValueCommandOutput };
  BatchGetSecretValue: { input: BatchGetSecretValueCommandInput; output: BatchGetSecretValueCommandOutput };
  DescribeSecret: { input: DescribeSecretCommandInput; output: DescribeSecretCommandOutput };
  ListSecrets: { input: ListSecretsCommandInput; output: ListSecretsCommandOutput };
}

/** What differs between this service and any other of AWS, as far as calls and errors go. */
export const SERVICE = {
  /** The provider's name, and the one it gives itself in AWS's logs. */
  name: 'aws-secrets-manager',
  call: 'awsSecretsManager()',
  sdk: '@aws-sdk/client-secrets-manager',
  client: 'SecretsManagerClient',
  /** What its actions begin with in an IAM policy. */
  iam: 'secretsmanager',
  load: (): Promise<object> => import('@aws-sdk/client-secrets-manager'),
};
