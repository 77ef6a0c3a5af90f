import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { MINISTACK_ROOT } from './aws.js';

/** A statement of a policy. */
export interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string;
}

/** Somebody with keys and a policy, in an emulator that checks both. */
export interface IamIdentity {
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Puts `statements` in the place of what it was allowed; none takes everything away. */
  allow(...statements: Statement[]): Promise<void>;
}

/** Creates a user with keys, who may do nothing yet. */
export async function createIdentity(endpoint: string, name: string): Promise<IamIdentity> {
  const iam = new IAMClient({ region: 'us-east-1', endpoint, credentials: MINISTACK_ROOT });
  const user = { UserName: name };
  await iam.send(new CreateUserCommand(user));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user));
  const policy = { ...user, PolicyName: 'test' };
  return {
    credentials: {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    },
    async allow(...statements) {
      if (statements.length === 0) return void (await iam.send(new DeleteUserPolicyCommand(policy)));
      const Statement = statements.map((one) => ({ Effect: 'Allow', ...one }));
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
      await iam.send(new PutUserPolicyCommand({ ...policy, PolicyDocument }));
    },
  };
}
