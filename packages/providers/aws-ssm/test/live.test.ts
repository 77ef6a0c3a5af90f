import { awsSsm } from '@keyturn/aws-ssm';
import { createSecrets } from '@keyturn/core';
import { isSecretsError } from '@keyturn/core/provider';
import { leakProbe } from '@keyturn/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type AwsAnswer, type AwsCall, startScriptedAws } from '../../../../test/servers/scripted-aws.js';

/** What an application sees of the provider, through the core. */

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'canary-secret-access-key' };
const FIFTY = Array.from({ length: 50 }, (_, number) => `app/p${number}`);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function live(answer: (call: AwsCall) => AwsAnswer) {
  const server = await startScriptedAws(answer);
  closing.push(() => server.stop());
  const provider = awsSsm({ region: 'eu-central-1', endpoint: server.endpoint, credentials });
  const secrets = createSecrets({ providers: { ssm: provider }, resilience: { firstRetryDelay: 1 } });
  closing.push(() => secrets.close());
  const outcome = (path: string) =>
    secrets.getSecret(`ssm:${path}`).then(
      (one) => one.reveal(),
      (error: unknown) => (isSecretsError(error) ? error.code : 'a foreign error'),
    );
  return { server, outcomes: () => Promise.all(FIFTY.map(outcome)) };
}

const parameter = (Name: string) => ({ Name, Value: `canary of ${Name}`, Version: 1, Type: 'SecureString' });

/** Refuses what names a denied one, as AWS does for all of a batch. */
function given(
  { action, input }: AwsCall,
  denied: readonly string[] = [],
  gone: readonly string[] = [],
): AwsAnswer {
  const names = action === 'GetParameters' ? (input.Names as string[]) : [String(input.Name)];
  if (names.some((name) => denied.includes(name)))
    return { error: 'AccessDeniedException', message: 'canary' };
  const found = names.filter((name) => !gone.includes(name)).map(parameter);
  if (action === 'GetParameters') {
    return { result: { Parameters: found, InvalidParameters: names.filter((name) => gone.includes(name)) } };
  }
  return found[0] === undefined ? { error: 'ParameterNotFound' } : { result: { Parameter: found[0] } };
}

describe('fifty references in one tick', () => {
  it('are five requests', async () => {
    const { server, outcomes } = await live(given);
    expect(await outcomes()).toEqual(FIFTY.map((path) => `canary of /${path}`));
    expect(server.calls.map(({ action }) => action)).toEqual(Array(5).fill('GetParameters'));
  });

  it('of which one is denied and one is gone: only the ten with the denied one are read singly', async () => {
    const probe = leakProbe(['canary']);
    try {
      const { server, outcomes } = await live((call) => given(call, ['/app/p13'], ['/app/p44']));
      const codes: Record<string, string> = { 'app/p13': 'permission-denied', 'app/p44': 'not-found' };
      expect(await outcomes()).toEqual(FIFTY.map((path) => codes[path] ?? `canary of /${path}`));
      expect([server.count('GetParameters'), server.count('GetParameter')]).toEqual([5, 10]);
      probe.assertClean();
    } finally {
      probe.stop();
    }
  });

  it('of which a batch fails once: only that one is asked for again', async () => {
    let failures = 1;
    const { server, outcomes } = await live((call) => {
      const isSecond = (call.input.Names as string[]).includes('/app/p10');
      return isSecond && failures-- > 0 ? { error: 'InternalServerError', status: 500 } : given(call);
    });
    expect(await outcomes()).toEqual(FIFTY.map((path) => `canary of /${path}`));
    expect(server.calls).toHaveLength(6);
  });
});
