import {
  type CallOptions,
  isSecretsError,
  type Provider,
  type ProviderRef,
  type SecretVersion,
} from '@keyturn/core/provider';
import { AwsClient, type CallFacts } from './aws-client.js';
import { type AwsConfig, checkAws, checkRegion, invalidConfig, refuseUnknown } from './aws-settings.js';
import { fetchBatch } from './batch.js';
import { listBelow } from './listing.js';
import { idIn, type Wanted, wanted } from './secret-id.js';
import { rotationFacts, secretVersion } from './secret-version.js';
import { SERVICE } from './service.js';
import { settled } from './settled.js';

/** What `awsSecretsManager` takes. All of it is optional: the SDK finds the region and the credentials. */
export interface AwsSecretsManagerConfig extends AwsConfig {
  /** Regions that replicate the secrets, the preferred first: the next one is called when one fails. In the place of `region`. */
  readonly regions?: readonly string[];
  /**
   * Whether each read also asks when the secret is rotated, and puts that into its metadata for people. One more call
   * and one more permission (`secretsmanager:DescribeSecret`). Default false.
   */
  readonly describeRotation?: boolean;
}

const NAMES = ['region', 'regions', 'endpoint', 'credentials', 'client', 'describeRotation'] as const;

/**
 * AWS Secrets Manager as a provider.
 *
 * References name a secret by its name or ARN: `aws:prod/db#password`, `aws:prod/db?stage=AWSPREVIOUS`,
 * `aws:arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf`.
 *
 * It gives no lease, not even where a rotation is scheduled: AWS rotates at any time before the date that it names,
 * and at any time when somebody asks for it. How soon a rotation is noticed is the cache's ttl.
 *
 * ```ts
 * const secrets = createSecrets({ providers: { aws: awsSecretsManager({ region: 'eu-central-1' }) } });
 * ```
 *
 * @throws SecretsError `invalid-config` that names the setting, before any I/O
 */
export function awsSecretsManager(config: AwsSecretsManagerConfig = {}): Provider {
  const { regions, describeRotation, aws } = settings(config);

  /** The first of the regions where the caller names none. */
  function factsOf({ address = regions[0], signal }: CallOptions, subject: string): CallFacts {
    return { region: address, signal, subject };
  }

  async function read(want: Wanted, path: string, options: CallOptions): Promise<SecretVersion> {
    const facts = factsOf(options, path);
    const id = await idAt(want, facts);
    const [answer, rotation] = await Promise.all([
      aws.call(
        'GetSecretValue',
        {
          SecretId: id,
          ...(want.version === undefined ? {} : { VersionId: want.version }),
          ...(want.stage === undefined ? {} : { VersionStage: want.stage }),
        },
        facts,
      ),
      rotationOf(id, facts),
    ]);
    const version = secretVersion(id, answer, want.version);
    return { ...version, metadata: { ...version.metadata, ...rotation } };
  }

  async function idAt({ id }: Wanted, facts: CallFacts): Promise<string> {
    return id.startsWith('arn:') ? idIn(await aws.regionOf(facts), id, regions) : id;
  }

  /** A secret that can be read is not lost because nobody may ask when it is rotated. */
  async function rotationOf(id: string, facts: CallFacts): Promise<Record<string, string>> {
    if (!describeRotation) return {};
    try {
      return rotationFacts(await aws.call('DescribeSecret', { SecretId: id }, facts));
    } catch (error) {
      return { rotation: `unknown (${isSecretsError(error) ? error.code : 'unavailable'})` };
    }
  }

  return {
    name: SERVICE.name,
    ...(regions.length === 0 ? {} : { addresses: regions }),

    async fetch(ref, options) {
      return read(wanted(ref), ref.path, options);
    },

    async fetchMany(refs, options) {
      const { signal } = options;
      const plans = await Promise.all(refs.map((ref) => settled(plan(ref, options), signal)));
      const ids = plans.flatMap((one) => (isSecretsError(one) || !one.want.isCurrent ? [] : [one.id]));
      const isBatch = new Set(ids).size > 1 && !describeRotation;
      const batch = isBatch
        ? await fetchBatch(aws, new Set(ids), factsOf(options, `${ids.length} secrets`))
        : undefined;
      return Promise.all(
        plans.map((one) => {
          if (isSecretsError(one)) return one;
          const outcome = one.want.isCurrent ? batch?.get(one.id) : undefined;
          return outcome ?? settled(read(one.want, one.path, options), signal);
        }),
      );
    },

    list: (prefix, options) => listBelow(aws, prefix, factsOf(options, prefix)),

    close: () => aws.close(),
  };

  async function plan(ref: ProviderRef, options: CallOptions): Promise<Plan> {
    const want = wanted(ref);
    const id = await idAt(want, factsOf(options, ref.path));
    return { want, id, path: ref.path };
  }
}

interface Plan {
  readonly want: Wanted;
  readonly id: string;
  readonly path: string;
}

function settings(config: AwsSecretsManagerConfig) {
  refuseUnknown(config, NAMES);
  const { regions = [], describeRotation = false, ...aws } = config;
  checkAws(aws);
  if (!Array.isArray(regions)) throw invalidConfig('regions', 'is no list');
  // Left to the SDK, it would mean the secrets of a region that nobody named.
  if (config.regions?.length === 0) throw invalidConfig('regions', 'names no region');
  for (const region of regions) checkRegion(region, 'regions');
  if (new Set(regions).size !== regions.length) throw invalidConfig('regions', 'names a region twice');
  if (regions.length > 0 && (aws.region !== undefined || aws.client !== undefined)) {
    throw invalidConfig('regions', 'stands in the place of region and client', 'Give one of them.');
  }
  if (regions.length > 1 && typeof aws.endpoint === 'string') {
    throw invalidConfig('endpoint', 'is one for several regions', 'Give a function of the region.');
  }
  if (typeof describeRotation !== 'boolean')
    throw invalidConfig('describeRotation', 'is neither true nor false');
  return { regions: [...(regions as readonly string[])], describeRotation, aws: new AwsClient(aws) };
}
