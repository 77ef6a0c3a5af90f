import type { Mount } from '../mounts.js';
import { failed } from '../refusal.js';
import type { Reply } from '../reply.js';
import type { Token } from '../tokens.js';
import { type FieldSchema, type FieldValues, readFields, unknownFields } from './fields.js';
import { type PathMatcher, pathMatcher } from './route-pattern.js';

/** What a request wants done. A POST or PUT is `write`; whether it creates or updates is asked of the route. */
export type Operation = 'read' | 'list' | 'scan' | 'write' | 'patch' | 'delete' | 'header';

/**
 * Who may call a route: anybody; whoever holds a valid token; whoever a policy allows (the default); or only a
 * policy that grants `sudo` besides.
 */
export type Access = 'public' | 'token' | 'policy' | 'sudo';

/** One request, as far as every route sees it alike. */
export interface CallContext {
  readonly operation: Operation;
  /** The request's path below its mount. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** Every field, declared or not, as it was sent. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly mount: Mount;
  /** The calling token; absent on a public route that was called without one. */
  readonly caller?: Token;
  /** The token id that was sent, valid or not. */
  readonly callerId?: string;
  /** The ttl of the response wrapping that was asked for. */
  readonly wrapTtlSeconds?: number;
}

/** One request, with the fields that its route declares. */
export interface Call<Schema extends FieldSchema> extends CallContext {
  readonly fields: FieldValues<Schema>;
}

/** Answers a call; `undefined` is a 204. */
export type Handler<Schema extends FieldSchema> = (
  call: Call<Schema>,
) => Reply | undefined | Promise<Reply | undefined>;

/** An endpoint: where it is, what it understands, and what it does for each operation. */
export interface RouteDefinition<Schema extends FieldSchema> {
  readonly pattern: string;
  readonly access?: Access;
  readonly fields?: Schema;
  /** Whether the thing is there already: a write then needs the `update` capability, otherwise `create`. */
  readonly exists?: (params: Readonly<Record<string, string>>) => boolean;
  /** Whether unknown fields are the endpoint's own business, as for KV version 1, where every field is data. */
  readonly anyFields?: boolean;
  /** Whether the data is repeated beside the envelope, as the oldest system endpoints do. */
  readonly dataOnTop?: boolean;
  readonly on: { readonly [Op in Operation]?: Handler<Schema> };
}

/** A compiled route, its field types forgotten. */
export interface Route {
  readonly match: PathMatcher;
  readonly access: Access;
  readonly dataOnTop: boolean;
  readonly exists: RouteDefinition<FieldSchema>['exists'];
  readonly answer: (call: CallContext) => Promise<Reply | undefined>;
}

/** Compiles a definition. Fields are read and checked before its handler runs. */
export function route<const Schema extends FieldSchema = Record<never, never>>(
  definition: RouteDefinition<Schema>,
): Route {
  const schema = (definition.fields ?? {}) as Schema;
  return {
    match: pathMatcher(definition.pattern),
    access: definition.access ?? 'policy',
    dataOnTop: definition.dataOnTop ?? false,
    exists: definition.exists,
    async answer(call) {
      const handler = definition.on[call.operation];
      if (handler === undefined) throw failed('unsupported operation', 405);
      const checkedEarly = definition.exists === undefined || call.operation !== 'write';
      const fields = readFields(schema, call.data, checkedEarly);
      const reply = await handler({ ...call, fields });
      if (reply === undefined || definition.anyFields === true) return reply;
      return { ...reply, warnings: [...(reply.warnings ?? []), ...fieldWarnings(schema, call)] };
    },
  };
}

function fieldWarnings(schema: FieldSchema, call: CallContext): string[] {
  const replaced = Object.keys(call.data).filter((name) => name in call.params);
  const ignored = unknownFields(schema, call.data).filter((name) => !replaced.includes(name));
  const warnings: string[] = [];
  if (ignored.length > 0) {
    warnings.push(`Endpoint ignored these unrecognized parameters: [${ignored.join(' ')}]`);
  }
  if (replaced.length > 0) {
    warnings.push(
      `Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [${replaced.sort().join(' ')}]`,
    );
  }
  return warnings;
}
