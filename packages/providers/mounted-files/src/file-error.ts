import { type ErrorCode, SecretsError } from '@keyturn/core/provider';

/** What an error of the file system means, by its code. Whatever is not listed may pass by itself. */
const MEANING: Readonly<Record<string, { code: ErrorCode; problem: string; remedy: string }>> = {
  ENOENT: {
    code: 'not-found',
    problem: 'does not exist',
    remedy: 'Check the setting root, the reference, and that the volume is mounted there and has this item.',
  },
  ENOTDIR: {
    code: 'not-found',
    problem: 'does not exist: a part of its path is a file',
    remedy: 'Check the setting root and the reference.',
  },
  EACCES: {
    code: 'permission-denied',
    problem: 'may not be read by this process',
    remedy:
      'Check its owner and mode and those of the folders above it (in Kubernetes: fsGroup and defaultMode).',
  },
  EPERM: {
    code: 'permission-denied',
    problem: 'may not be read by this process',
    remedy: 'Check its owner and mode, and the security profile that the process runs under.',
  },
  ELOOP: {
    code: 'bad-response',
    problem: 'is a link that leads back to itself',
    remedy: 'Mend the link at what writes the folder.',
  },
  ENAMETOOLONG: {
    code: 'invalid-ref',
    problem: 'has a name that is too long for the file system',
    remedy: 'Check the reference: is a value written where a name belongs?',
  },
};

/** The error of the file system at `shown`, with what to look at. Paths are not secret; its own message is dropped all the same. */
export function fileError(thrown: unknown, shown: string): SecretsError {
  const { code, problem, remedy } = MEANING[errnoOf(thrown) ?? ''] ?? {
    code: 'unavailable' as const,
    problem: 'could not be read',
    remedy: 'Check the file system that it is mounted from; the code of the cause says what failed.',
  };
  return new SecretsError(code, { problem: `${shown} ${problem}.`, remedy, cause: thrown });
}

/** The code of an error of the file system, such as `ENOENT`. */
export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}
