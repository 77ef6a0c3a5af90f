import { type ProviderRef, SecretsError } from '@keyturn/core/provider';

const ARN = /^(arn:[a-z0-9-]+:secretsmanager:)([a-z0-9-]+)(:\d{12}:secret:[\w/+=.@-]{1,519})$/;
const NAME = /^[\w/+=.@-]{1,512}$/;
const STAGE = /^[^\s]{1,256}$/;
const VERSION = /^[\w-]{32,64}$/;
/** What AWS gives to a version that is not asked for otherwise. */
const CURRENT = 'AWSCURRENT';

/** What a reference asks for, checked without any I/O. */
export interface Wanted {
  /** A name, a whole ARN, or an ARN without the six characters that AWS adds to it. */
  readonly id: string;
  readonly stage: string | undefined;
  readonly version: string | undefined;
  /** Whether it is the current version, which is all that a batch can give. */
  readonly isCurrent: boolean;
}

/**
 * Reads what a reference asks for.
 *
 * @throws SecretsError `invalid-ref` for what no secret, version or stage is called
 */
export function wanted({ path, version, stage }: ProviderRef): Wanted {
  const isArn = path.startsWith('arn:');
  if (isArn ? !ARN.test(path) : !NAME.test(path) || hasHole(path)) {
    throw invalidRef(
      isArn ? 'It is no ARN of a secret.' : 'It is no name that a secret can be referred to by.',
      isArn
        ? 'Write it like arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf.'
        : 'Names have letters, digits and /_+=.@-; one that begins with a slash is referred to by its ARN.',
    );
  }
  if (version !== undefined && !VERSION.test(version)) {
    throw invalidRef('It is no version id.', 'Version ids have 32 to 64 letters, digits and dashes.');
  }
  if (stage !== undefined && !STAGE.test(stage)) {
    throw invalidRef('It is no stage.', 'Write AWSCURRENT, AWSPENDING, AWSPREVIOUS, or a label of your own.');
  }
  const isCurrent = version === undefined && (stage === undefined || stage === CURRENT);
  return { id: path, stage, version, isCurrent };
}

/**
 * The id to use in a region. The replicas of a secret have the ARN of the first one but for its region.
 *
 * @param regions that replicate each other
 * @throws SecretsError `invalid-ref` for an ARN of another region, which AWS would not find
 */
export function idIn(region: string | undefined, id: string, regions: readonly string[]): string {
  const [, before, ofArn, after] = ARN.exec(id) ?? [];
  if (ofArn === undefined || region === undefined || ofArn === region) return id;
  if (regions.includes(ofArn)) return `${before}${region}${after}`;
  throw invalidRef(
    `The ARN is of ${ofArn}, and the provider calls ${region}.`,
    'Give the setting region the region of the ARN, or regions both, where the secret is replicated.',
  );
}

/** Whether an answer is of the secret that was asked for: the name, the ARN, or the ARN without its last six. */
export function isAnswerTo(
  id: string,
  { ARN: arn = '', Name: name }: { readonly ARN?: string | undefined; readonly Name?: string | undefined },
): boolean {
  if (!id.startsWith('arn:')) return name === id;
  return arn === id || (arn.startsWith(id) && /^-[A-Za-z0-9]{6}$/.test(arn.slice(id.length)));
}

/** A name that can be given as a reference as it is. */
export function isReferable(name: string): boolean {
  return NAME.test(name) && !hasHole(name);
}

function hasHole(path: string): boolean {
  return path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
}

function invalidRef(problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-ref', { problem, remedy });
}
