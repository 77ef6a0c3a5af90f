import { SecretsError } from '@keyturn/core/provider';

/** The error for a setting that cannot work, whatever the service says. Never quotes the value: it may be a secret. */
export function invalidConfig(setting: string, problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-config', { problem: `The setting ${setting} ${problem}.`, remedy });
}
