import { type ProviderRef, SecretsError } from '@keyturn/core/provider';
import { invalidConfig } from './invalid-config.js';

/** Where a secret is: its resource name in parts. */
export interface SecretName {
  /** `projects/P`, or `projects/P/locations/L`. */
  readonly parent: string;
  readonly secret: string;
  /** Present for regional secrets, which have an endpoint of their own. */
  readonly location: string | undefined;
}

/** What references that name no project stand below. */
export interface Defaults {
  readonly project?: string;
  readonly location?: string;
}

/** Ids (with the domain of old ones, `example.com:orders`) and numbers. */
const PROJECT = /^(?:[a-z0-9.-]{1,63}:)?[a-z0-9][a-z0-9-]{0,62}$/;
const LOCATION = /^[a-z][a-z0-9-]{0,62}$/;
const SECRET = /^[A-Za-z0-9_-]{1,255}$/;
const NUMBER = /^[1-9]\d{0,18}$/;
const ALIAS = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

export function isProject(given: unknown): given is string {
  return typeof given === 'string' && PROJECT.test(given);
}

export function isLocation(given: unknown): given is string {
  return typeof given === 'string' && LOCATION.test(given);
}

/**
 * Reads the path of a reference: `name`, `projects/P/secrets/S` or `projects/P/locations/L/secrets/S`.
 *
 * @throws SecretsError `invalid-ref` for another form or a character that no name has; `invalid-config` for a bare
 * name without the setting `project`
 */
export function secretName(path: string, defaults: Defaults): SecretName {
  if (!path.includes('/')) {
    const secret = checkedSecret(path);
    return { ...defaultPlace(defaults), secret };
  }
  const segments = path.split('/');
  if (segments[0] !== 'projects' || segments.includes('versions')) throw malformed(segments);
  const place = placeOf(segments.slice(0, -2));
  if (place === undefined || segments.at(-2) !== 'secrets') throw malformed(segments);
  return { ...place, secret: checkedSecret(segments.at(-1) ?? '') };
}

/** `projects/P` or `projects/P/locations/L`; undefined for anything else. */
export function placeOf(segments: readonly string[]): Omit<SecretName, 'secret'> | undefined {
  const [projects, project, locations, location] = segments;
  if (projects !== 'projects' || !isProject(project)) return undefined;
  if (segments.length === 2) return { parent: `projects/${project}`, location: undefined };
  if (segments.length !== 4 || locations !== 'locations' || !isLocation(location)) return undefined;
  return { parent: `projects/${project}/locations/${location}`, location };
}

/** Where references that name no project are looked up. */
export function defaultPlace({ project, location }: Defaults): Omit<SecretName, 'secret'> {
  if (project === undefined) {
    throw invalidConfig(
      'project',
      'is not set, and the reference names no project',
      'Set project in gcpSecretManager(), or write gcp:projects/my-project/secrets/name.',
    );
  }
  const parent = location === undefined ? `projects/${project}` : `projects/${project}/locations/${location}`;
  return { parent, location };
}

/**
 * What stands after `versions/`: the number of `?version=`, the alias of `?stage=`, or `latest`.
 *
 * A version stays what it is and an alias moves, as a stage does elsewhere, so an alias is asked for as one.
 *
 * @throws SecretsError `invalid-ref` for a version that is no number, or an alias that cannot be one
 */
export function versionName({ version, stage }: ProviderRef): string {
  const wanted = version ?? stage ?? 'latest';
  if (wanted === 'latest') return wanted;
  if (version !== undefined && !NUMBER.test(version)) {
    throw invalidRef(
      'The version is neither a number nor latest.',
      'Write ?version=3, or ?stage=name for an alias.',
    );
  }
  if (version === undefined && !ALIAS.test(wanted)) {
    throw invalidRef(
      'The stage cannot be the alias of a version.',
      'Aliases begin with a letter, and have letters, digits, - and _; a number is asked for with ?version=3.',
    );
  }
  return wanted;
}

function checkedSecret(secret: string): string {
  if (SECRET.test(secret)) return secret;
  throw invalidRef(
    'The name of the secret has characters that no name has, or is too long.',
    'Names have letters, digits, - and _, and at most 255 of them.',
  );
}

function malformed(segments: readonly string[]): SecretsError {
  if (segments.includes('versions')) {
    return invalidRef('The path names a version.', 'End it after the secret, and write ?version=3.');
  }
  return invalidRef(
    'The path is not the name of a secret.',
    'Write name, projects/P/secrets/name or projects/P/locations/L/secrets/name.',
  );
}

function invalidRef(problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-ref', { problem, remedy });
}
