import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SecretsError } from '../errors/secrets-error.js';

/** What a schema makes of a secret. */
export type ValueOf<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema>;

/** How many of the places that a schema complains of an error names. */
const MOST_PLACES = 5;

/**
 * What `schema` makes of `content`.
 *
 * @throws SecretsError `invalid-value` that names the places that do not match, and never what stands there
 */
export async function validate<Schema extends StandardSchemaV1>(
  content: unknown,
  schema: Schema,
  ref: string,
): Promise<ValueOf<Schema>> {
  const result = await answerOf(schema, content, ref);
  if (result.issues !== undefined) throw mismatch(ref, result.issues);
  return result.value;
}

/** @throws SecretsError `invalid-config` when `schema` does not follow the Standard Schema specification */
export function checkSchema(schema: unknown, ref: string): void {
  const standard = (schema as StandardSchemaV1 | null | undefined)?.['~standard'];
  if (standard?.version === 1 && typeof standard.validate === 'function') return;
  throw new SecretsError('invalid-config', {
    ref,
    problem: 'The schema is no Standard Schema.',
    remedy: 'Pass one of zod (3.24 or later), valibot, arktype or another library of standardschema.dev.',
  });
}

async function answerOf(
  schema: StandardSchemaV1,
  content: unknown,
  ref: string,
): Promise<StandardSchemaV1.Result<unknown>> {
  try {
    const result = await schema['~standard'].validate(content);
    if (result.issues === undefined || Array.isArray(result.issues)) return result;
  } catch {
    // What it threw may quote the content.
  }
  throw new SecretsError('invalid-value', {
    ref,
    problem: 'The schema threw, or gave no answer.',
    remedy: 'Let its transforms and refinements report an issue instead.',
  });
}

function mismatch(ref: string, issues: readonly StandardSchemaV1.Issue[]): SecretsError {
  const places = [...new Set(issues.map(placeOf))];
  const more = places.length > MOST_PLACES ? ` and ${places.length - MOST_PLACES} more places` : '';
  return new SecretsError('invalid-value', {
    ref,
    problem: `The content does not match its schema at ${places.slice(0, MOST_PLACES).join(', ')}${more}.`,
    remedy: 'Mend the value at the store, or the schema.',
  });
}

/**
 * Where an issue is: the field, and whether it is within that. Its message is left out, and deeper parts of its path,
 * since they may quote what was found: a key of a map can be an account, or a token.
 */
function placeOf({ path = [] }: StandardSchemaV1.Issue): string {
  const [first, ...deeper] = path.map((part) => (typeof part === 'object' ? part.key : part));
  if (first === undefined) return 'the whole';
  return deeper.length > 0 ? `${String(first)}.…` : String(first);
}
