import { type ProviderRef, SecretsError } from '@keyturn/core/provider';

const ARN = /^arn:[a-z0-9-]+:ssm:([a-z0-9-]+):\d{12}:parameter((?:\/[\w.-]+)+)$/;
const SEGMENT = /^[\w.-]+$/;
const LONGEST = 1_011;
const DEEPEST = 15;
const LABEL = /^(?!aws|ssm)[A-Za-z_.-][\w.-]{0,99}$/i;
const FOLDER = /^(.+)\/(\*\*?)$/;

/** What a reference asks for, checked without any I/O. */
export type Wanted =
  | { readonly kind: 'parameter'; readonly name: string; readonly selector: string | undefined }
  | { readonly kind: 'folder'; readonly path: string; readonly isDeep: boolean };

/**
 * Reads what a reference asks for: `token` is the parameter `token`, `prod/db` is `/prod/db`, an ARN is what it says;
 * `prod/db/*` is what lies in the folder `/prod/db`, `prod/db/**` what lies below it at any depth.
 *
 * @throws SecretsError `invalid-ref` for what no parameter, version or label is called
 */
export function wanted({ path, version, stage }: ProviderRef): Wanted {
  const [, folder, stars] = FOLDER.exec(path) ?? [];
  if (folder !== undefined) {
    if (version !== undefined || stage !== undefined) {
      throw invalidRef(
        'A folder has no version or stage of its own.',
        'Leave it out, or name one parameter.',
      );
    }
    return { kind: 'folder', path: folderName(folder), isDeep: stars === '**' };
  }
  return { kind: 'parameter', name: parameterName(path), selector: selectorOf(version, stage) };
}

/** The name of a folder, from a reference's path. */
export function folderName(path: string): string {
  checkName(path);
  return `/${path}`;
}

/** A parameter as the path of a reference, or undefined where it has none: `/token` would be read as `token`. */
export function pathOf(name: string): string | undefined {
  const path = name.startsWith('/') ? name.slice(1) : name;
  return name.startsWith('/') === path.includes('/') ? path : undefined;
}

/** The region that an ARN names. */
export function regionOfArn(name: string): string | undefined {
  return ARN.exec(name)?.[1];
}

function parameterName(path: string): string {
  if (path.startsWith('arn:')) {
    if (ARN.test(path)) return path;
    throw invalidRef(
      'It is no ARN of a parameter.',
      'Write it like arn:aws:ssm:eu-central-1:123456789012:parameter/prod/db.',
    );
  }
  checkName(path);
  if (/^aws\/reference\//.test(path)) {
    throw invalidRef(
      'Below /aws/reference/ the store hands on secrets of another one, without their version.',
      'Read it from there: @keyturn/aws-secrets-manager.',
    );
  }
  return path.includes('/') ? `/${path}` : path;
}

function checkName(path: string): void {
  const segments = path.split('/');
  const isName =
    segments.every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..') &&
    segments.length <= DEEPEST &&
    path.length < LONGEST;
  if (isName) return;
  throw invalidRef(
    'No parameter can have this name.',
    'Names have letters, digits and _.- in up to fifteen parts with slashes between; write prod/db for /prod/db.',
  );
}

function selectorOf(version: string | undefined, stage: string | undefined): string | undefined {
  if (version !== undefined && !/^[1-9]\d{0,17}$/.test(version)) {
    throw invalidRef('It is no version of a parameter.', 'Versions are whole numbers, from 1.');
  }
  if (stage !== undefined && !LABEL.test(stage)) {
    throw invalidRef(
      'It is no label of a parameter.',
      'Labels begin with a letter, and not with aws or ssm.',
    );
  }
  return version ?? stage;
}

function invalidRef(problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-ref', { problem, remedy });
}
