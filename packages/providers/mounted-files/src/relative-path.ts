import { SecretsError } from '@keyturn/core/provider';

/**
 * The path of a reference, checked before any I/O: segments with a single slash between them, none of which
 * begins with `..`.
 *
 * That keeps a reference inside the root (`../../etc/shadow`), and out of the bookkeeping of Kubernetes volumes
 * (`..data`, `..2026_01_31_…`), which would pin a reference to one generation.
 *
 * @throws SecretsError `invalid-ref`
 */
export function relativePathOf(path: string): string {
  if (path.includes('\0') || path.includes('\\')) {
    throw invalid(
      'The path has a backslash or a zero character.',
      'Write it with slashes, relative to root.',
    );
  }
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') {
      throw invalid(
        'The path has an empty segment or a dot for one.',
        'Write it relative to root, without them.',
      );
    }
    if (segment.startsWith('..')) {
      throw invalid(
        `The path has a segment that begins with two dots.`,
        'Leave ..data and the like to the volume: name what stands beside it, such as files:password.',
      );
    }
  }
  return path;
}

function invalid(problem: string, remedy: string): SecretsError {
  return new SecretsError('invalid-ref', { problem, remedy });
}
