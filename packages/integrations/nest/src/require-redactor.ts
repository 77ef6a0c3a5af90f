import { SecretsError } from '@keyturn/core';

/**
 * `redactor`, if it is one: what cannot mask must not be taken for something that does.
 *
 * @throws SecretsError `invalid-config`
 */
export function requireRedactor<Redactor extends object>(
  redactor: Redactor | undefined,
  { user, setting, methods }: { user: string; setting: string; methods: readonly (keyof Redactor)[] },
): Redactor {
  if (methods.every((method) => typeof redactor?.[method] === 'function')) return redactor as Redactor;
  throw new SecretsError('invalid-config', {
    problem: `${user} was given no redactor.`,
    remedy: `Set ${setting} of KeyturnModule to what createRedactor of @keyturn/redact returns, or pass it to new ${user}().`,
  });
}
