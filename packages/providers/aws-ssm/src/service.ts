import type {
  DescribeParametersCommandInput,
  DescribeParametersCommandOutput,
  GetParameterCommandInput,
  GetParameterCommandOutput,
  GetParametersByPathCommandInput,
  GetParametersByPathCommandOutput,
  GetParametersCommandInput,
  GetParametersCommandOutput,
} from '@aws-sdk/client-ssm';

/** The actions of the service that are used. */
export interface Actions {
  GetParameter: { input: GetParameterCommandInput; output: GetParameterCommandOutput };
  GetParameters: { input: GetParametersCommandInput; output: GetParametersCommandOutput };
  GetParametersByPath: { input: GetParametersByPathCommandInput; output: GetParametersByPathCommandOutput };
  DescribeParameters: { input: DescribeParametersCommandInput; output: DescribeParametersCommandOutput };
}

/** What differs between this service and any other of AWS, as far as calls and errors go. */
export const SERVICE = {
  /** The provider's name, and the one it gives itself in AWS's logs. */
  name: 'aws-ssm',
  call: 'awsSsm()',
  sdk: '@aws-sdk/client-ssm',
  client: 'SSMClient',
  /** What its actions begin with in an IAM policy. */
  iam: 'ssm',
  load: (): Promise<object> => import('@aws-sdk/client-ssm'),
};
