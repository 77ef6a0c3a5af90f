import { type ProviderRef, SecretsError } from '@keyturn/core/provider';

const NAME = /^[0-9A-Za-z-]{1,127}$/;
const VERSION = /^[0-9a-f]{32}$/i;

/**
 * The name of the secret that a path stands for: itself, or with a `separator` its segments joined by that.
 *
 * @throws SecretsError `invalid-ref` for a character that no name has, and for segments that could be read in two ways
 */
export function secretName(path: string, separator: string | undefined): string {
  const segments = path.split('/');
  if (segments.length > 1 && separator === undefined) {
    throw invalidRef(
      'The names of Key Vault have no slashes.',
      'Write the name alone, or set separator in azureKeyVault().',
    );
  }
  const name = segments.join(separator);
  if (!NAME.test(name)) {
    throw invalidRef(
      'The name of the secret has characters that no name has, or is too long.',
      'Names have letters, digits and -, and at most 127 of them.',
    );
  }
  if (separator !== undefined && pathOf(name, separator) !== path) {
    throw invalidRef(
      'A part of the path begins, ends or is written with the separator, so that another path has the same name.',
      'Write the separator as a slash, or rename the secret.',
    );
  }
  return name;
}

/** The path that stands for a name. */
export function pathOf(name: string, separator: string | undefined): string {
  return separator === undefined ? name : name.split(separator).join('/');
}

/** @throws SecretsError `invalid-ref` for what Key Vault has not: a stage, or a version of another form */
export function checkQualifiers({ version, stage }: ProviderRef): void {
  if (stage !== undefined) {
    throw invalidRef(
      'Key Vault has no stages.',
      'Leave out ?stage=, or name a version with ?version= and its 32 hexadecimal digits.',
    );
  }
  if (version !== undefined && !VERSION.test(version)) {
    throw invalidRef(
      'The version is not one of Key Vault.',
      'Write ?version= and the 32 hexadecimal digits at the end of the identifier, or leave it out for the current one.',
    );
  }
}

function invalidRef(problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-ref', { problem, remedy });
}
