import { type AwsSecretsManagerConfig, awsSecretsManager } from '@keyturn/aws-secrets-manager';
import { isSecretsError, systemClock } from '@keyturn/core/provider';
import { assertNoLeak } from '@keyturn/core/testing';
import { describe, expect, it } from 'vitest';
import { AwsClient } from '../src/aws-client.js';
import { failureOf } from './calls.js';

const client = { send: async () => ({}) };

describe('a setting that cannot work is refused at once, by its name', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', 'eu-central-1', /of the provider/],
    ['a misspelt name', { regoin: 'eu-central-1' }, /regoin is not known/],
    ['a region that is none', { region: 'https://canary.example' }, /region is no region/],
    ['an empty region', { region: '' }, /region is no region/],
    ['regions that are none', { regions: ['eu-central-1', 7] }, /regions is no region/],
    ['regions that are no list', { regions: 'eu-central-1' }, /regions is no list/],
    ['regions of which there are none', { regions: [] }, /names no region/],
    ['a region twice', { regions: ['eu-central-1', 'eu-central-1'] }, /twice/],
    ['both', { region: 'eu-central-1', regions: ['us-east-1'] }, /in the place of region/],
    ['an endpoint that is no URL', { endpoint: 'canary' }, /endpoint is not a URL/],
    ['an endpoint of another scheme', { endpoint: 'ftp://canary' }, /neither https/],
    ['an endpoint with a password', { endpoint: 'https://u:canary@host' }, /endpoint has a user/],
    [
      'one endpoint for two regions',
      { regions: ['a-b-1', 'c-d-2'], endpoint: 'https://x' },
      /function of the region/,
    ],
    ['half of credentials', { credentials: { accessKeyId: 'canary' } }, /secretAccessKey is missing/],
    ['empty credentials', { credentials: { accessKeyId: '', secretAccessKey: 'canary' } }, /accessKeyId is/],
    ['credentials that are text', { credentials: 'canary' }, /accessKeyId is missing/],
    ['a client that is none', { client: {} }, /client is no client/],
    ['a client and a region', { client, region: 'eu-central-1' }, /client already has/],
    ['a client and regions', { client, regions: ['eu-central-1'] }, /in the place of region and client/],
    ['rotation that is no yes or no', { describeRotation: 'yes' }, /neither true nor false/],
  ])('%s', (_, config, says) => {
    try {
      awsSecretsManager(config as AwsSecretsManagerConfig);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid-config', message: expect.stringMatching(says) });
      assertNoLeak([error], ['canary']);
      expect(isSecretsError(error)).toBe(true);
      return;
    }
    throw new Error('It was not refused.');
  });

  it('nothing at all is a configuration', () => {
    expect(awsSecretsManager().name).toBe('aws-secrets-manager');
  });

  it('an endpoint for each region needs a region', async () => {
    const provider = awsSecretsManager({ endpoint: () => 'https://127.0.0.1' });
    const { signal } = new AbortController();
    const error = await failureOf(provider.fetch({ path: 'a' }, { signal, clock: systemClock }));
    expect(error).toMatchObject({ code: 'invalid-config', remedy: 'Give the setting region.' });
  });

  it('a function that gives an endpoint and fails is named, and shows nothing of why', async () => {
    const endpoint = () => {
      throw new Error('canary');
    };
    const provider = awsSecretsManager({ region: 'eu-central-1', endpoint });
    const { signal } = new AbortController();
    const error = await failureOf(provider.fetch({ path: 'a' }, { signal, clock: systemClock }));
    expect(error).toMatchObject({
      code: 'invalid-config',
      problem: expect.stringMatching(/endpoint is a function/),
    });
    assertNoLeak([error], ['canary']);
  });

  it('an endpoint that a function gives is checked when it is', async () => {
    const provider = awsSecretsManager({ region: 'eu-central-1', endpoint: () => 'nowhere' });
    const { signal } = new AbortController();
    expect((await failureOf(provider.fetch({ path: 'a' }, { signal, clock: systemClock }))).message).toMatch(
      /endpoint is not a URL/,
    );
  });
});

describe('the SDK', () => {
  const facts = { region: 'eu-central-1', signal: new AbortController().signal, subject: 'a' };

  it('that is not installed is named, with how to install it', async () => {
    const missing = 'a-package-that-nobody-has';
    const aws = new AwsClient({}, () => import(missing));
    const error = await failureOf(aws.call('GetSecretValue', { SecretId: 'a' }, facts));
    expect(error.code).toBe('invalid-config');
    expect(error.remedy).toBe('Run: npm install @aws-sdk/client-secrets-manager');
    expect(error.problem).toMatch(/not installed/);
  });

  it('that is too old for an action is named', async () => {
    class SecretsManagerClient {}
    const aws = new AwsClient({}, async () => ({ SecretsManagerClient }));
    const error = await failureOf(aws.call('BatchGetSecretValue', {}, facts));
    expect(error).toMatchObject({ code: 'invalid-config', problem: expect.stringMatching(/lacks/) });
  });
});
