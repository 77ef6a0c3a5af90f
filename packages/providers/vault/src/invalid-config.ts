import { SecretsError } from '@keyturn/core/provider';

/** The error for a setting that cannot work, whatever the server says. Never quotes the value: it may be a secret. */
export function invalidConfig(setting: string, problem: string, remedy?: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The setting ${setting} ${problem}.`,
    remedy: remedy ?? `Correct ${setting}.`,
  });
}

/**
 * Refuses names that are not settings: a typo would otherwise be ignored, and a misspelt `namespace` means the
 * wrong secrets.
 *
 * @param prefix what the names stand below, such as `tls.`
 */
export function refuseUnknown(given: unknown, known: readonly string[], prefix = ''): void {
  requireObject(given, prefix.replace(/\.$/, '') || 'of the provider');
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw invalidConfig(`${prefix}${name}`, 'is not known', `There are ${known.join(', ')}.`);
    }
  }
}

/** Refuses anything but an object with named entries. */
export function requireObject(given: unknown, setting: string): asserts given is object {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidConfig(setting, 'is not an object');
  }
}
