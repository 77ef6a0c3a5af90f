import { isSecretsError, type Provider, SecretsError, type SecretVersion } from '@keyturn/core/provider';
import { AwsClient, type CallFacts } from './aws-client.js';
import { type AwsConfig, checkAws, refuseUnknown } from './aws-settings.js';
import { fetchBatch } from './batch.js';
import { fetchFolder } from './folder.js';
import { listBelow } from './listing.js';
import { regionOfArn, type Wanted, wanted } from './parameter-name.js';
import { bad, isAnswerTo, parameterVersion } from './parameter-version.js';
import { SERVICE } from './service.js';
import { settled } from './settled.js';

/** What `awsSsm` takes. All of it is optional: the SDK finds the region and the credentials. */
export type AwsSsmConfig = AwsConfig;

const NAMES = ['region', 'endpoint', 'credentials', 'client'] as const;

/**
 * The Parameter Store of AWS Systems Manager as a provider.
 *
 * `ssm:prod/db/password` reads the parameter `/prod/db/password`, `ssm:token` the parameter `token`, and `ssm:prod/db/*`
 * all parameters in the folder `/prod/db`, as fields. Values of the type `SecureString` are decrypted.
 *
 * ```ts
 * const secrets = createSecrets({ providers: { ssm: awsSsm({ region: 'eu-central-1' }) } });
 * ```
 *
 * @throws SecretsError `invalid-config` that names the setting, before any I/O
 */
export function awsSsm(config: AwsSsmConfig = {}): Provider {
  refuseUnknown(config, NAMES);
  checkAws(config);
  const aws = new AwsClient(config);

  async function read(want: Wanted, facts: CallFacts): Promise<SecretVersion> {
    if (want.kind === 'folder') return fetchFolder(aws, want, facts);
    const { name, selector } = want;
    await checkRegionOf(name, facts);
    const asked = selector === undefined ? name : `${name}:${selector}`;
    const { Parameter } = await aws.call('GetParameter', { Name: asked, WithDecryption: true }, facts);
    if (Parameter !== undefined && !isAnswerTo(name, Parameter)) throw bad('is of another parameter');
    const version = /^\d/.test(selector ?? '') ? selector : undefined;
    return parameterVersion(Parameter, version);
  }

  async function checkRegionOf(name: string, facts: CallFacts): Promise<void> {
    const ofArn = regionOfArn(name);
    if (ofArn === undefined) return;
    const region = await aws.regionOf(facts);
    if (region === undefined || region === ofArn) return;
    throw new SecretsError('invalid-ref', {
      problem: `The ARN is of ${ofArn}, and the provider calls ${region}.`,
      remedy: 'Give the setting region the region of the ARN.',
    });
  }

  return {
    name: SERVICE.name,

    async fetch(ref, { signal }) {
      return read(wanted(ref), { region: undefined, signal, subject: ref.path });
    },

    async fetchMany(refs, { signal }) {
      const facts = { region: undefined, signal };
      const plans = await Promise.all(
        refs.map((ref) => settled((async () => ({ want: wanted(ref), path: ref.path }))(), signal)),
      );
      const names = new Set(plans.flatMap((one) => (isSecretsError(one) ? [] : (batchName(one.want) ?? []))));
      const batch = names.size > 1 ? await fetchBatch(aws, names, facts) : undefined;
      return Promise.all(
        plans.map((one) => {
          if (isSecretsError(one)) return one;
          const outcome = batch?.get(batchName(one.want) ?? '');
          return outcome ?? settled(read(one.want, { ...facts, subject: one.path }), signal);
        }),
      );
    },

    list: (prefix, options) => listBelow(aws, prefix, options),

    close: () => aws.close(),
  };
}

/** The name by which a batch can give it: a parameter's newest version. An ARN is left to a read that checks its region. */
function batchName(want: Wanted): string | undefined {
  const isPlain = want.kind === 'parameter' && want.selector === undefined && !want.name.startsWith('arn:');
  return isPlain ? want.name : undefined;
}
