import { type Provider, type ProviderRef, SecretsError } from '@keyturn/core/provider';
import { nearestName } from './nearest-name.js';
import { readSecretFile } from './secret-file.js';
import { createVersioner } from './versioner.js';

/** What {@link env} takes. */
export interface EnvOptions {
  /** Stands before every name: with `'APP_'`, `env:DATABASE_URL` reads `APP_DATABASE_URL`. Default none. */
  readonly prefix?: string;
  /** Where variables are looked up. Default: `process.env` as it is at each fetch. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether `NAME_FILE` is read as the path of a file when `NAME` is not set. Default true. */
  readonly files?: boolean;
}

/**
 * Reads secrets from environment variables: `env:DATABASE_URL` is the variable `DATABASE_URL`, looked up at each
 * fetch; when it is not set, the content of the file that `DATABASE_URL_FILE` names.
 *
 * Cannot be watched: nothing tells of a change in the environment.
 *
 * @throws SecretsError `invalid-config` for an option that makes no sense
 */
export function env({ prefix = '', env: given, files = true }: EnvOptions = {}): Provider {
  if (typeof prefix !== 'string' || /[=\0]/.test(prefix)) {
    throw new SecretsError('invalid-config', {
      provider: 'env',
      problem: 'The setting prefix cannot begin the name of a variable.',
      remedy: "Give prefix as text without an equals sign, such as 'APP_'.",
    });
  }
  const versionOf = createVersioner();
  return {
    name: 'env',

    async fetch(ref, { signal }) {
      const name = prefix + nameOf(ref);
      signal.throwIfAborted();
      const variables = given ?? process.env;
      const data = lookUp(variables, name) ?? (await fileOf(variables, name, files, signal));
      if (data === undefined) throw missing(variables, name, files);
      if (data.length === 0) throw empty(name, files);
      return { data, version: await versionOf(data), metadata: { variable: name } };
    },
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

function nameOf({ path, version, stage }: ProviderRef): string {
  if (version !== undefined || stage !== undefined) {
    throw new SecretsError('unsupported', {
      problem: 'Variables have no versions or stages to choose from.',
      remedy: 'Leave out ?version= and ?stage=.',
    });
  }
  if (path !== '' && !/[/=\0]/.test(path)) return path;
  throw new SecretsError('invalid-ref', {
    problem: 'The path is not the name of a variable.',
    remedy: 'Write it without slashes and equals signs, such as env:DATABASE_URL.',
  });
}

/** Own variables only: `env:constructor` is not one. */
function lookUp(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

async function fileOf(
  variables: Variables,
  name: string,
  files: boolean,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const path = files ? lookUp(variables, `${name}_FILE`) : undefined;
  return path === undefined ? undefined : readSecretFile(path, `${name}_FILE`, signal);
}

function missing(variables: Variables, name: string, files: boolean): SecretsError {
  const nearest = nearestName(name, Object.keys(variables));
  const off = !files && lookUp(variables, `${name}_FILE`) !== undefined;
  const set = files ? `Set it, or set ${name}_FILE to the path of a file that holds it.` : 'Set it.';
  return new SecretsError('not-found', {
    problem: `The variable ${name} is not set${off ? `; ${name}_FILE is, but the option files is false` : ''}.`,
    remedy: nearest === undefined ? set : `Is it ${nearest} that is meant? Otherwise: ${set}`,
  });
}

function empty(name: string, files: boolean): SecretsError {
  return new SecretsError('bad-response', {
    problem: `The variable ${name} is set, and empty.`,
    remedy: files ? `Give it a value, or unset it so that ${name}_FILE is read.` : 'Give it a value.',
  });
}
