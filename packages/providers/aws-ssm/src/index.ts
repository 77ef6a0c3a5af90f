/**
 * The Parameter Store of AWS Systems Manager for Keyturn.
 *
 * @module
 */

export type { AwsConfig, AwsCredentials, AwsSdkClient } from './aws-settings.js';
export { type AwsSsmConfig, awsSsm } from './aws-ssm.js';
