/**
 * AWS Secrets Manager for Keyturn.
 *
 * @module
 */
export { type AwsSecretsManagerConfig, awsSecretsManager } from './aws-secrets-manager.js';
export type { AwsConfig, AwsCredentials, AwsSdkClient } from './aws-settings.js';
