import type { HttpAnswer } from '../src/answer.js';
import { readBody } from '../src/response-body.js';
import observed from './vectors/observed-answers.json' with { type: 'json' };

/** An answer as it came over the wire from Vault 1.21 or OpenBao 2.7; secrets in it are cut or named canaries. */
export interface Observed {
  readonly name: string;
  readonly server: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The answers recorded under `name`: one where both servers agree, else one of each. */
export function answersNamed(name: string): readonly Observed[] {
  const found = (observed as readonly Observed[]).filter((answer) => answer.name === name);
  if (found.length === 0) throw new Error(`no such answer was recorded: ${name}`);
  return found;
}

export function allObserved(): readonly Observed[] {
  return observed as readonly Observed[];
}

/** An answer as the transport reads it: an object is sent as JSON, a text that begins with `RAW:` as it is. */
export function answerOf({ status, body }: { status: number; body: unknown }): HttpAnswer {
  const raw = typeof body === 'string' ? body.replace(/^RAW:/, '') : undefined;
  const text = raw ?? (body === null ? '' : JSON.stringify(body));
  const type = raw === undefined ? 'application/json' : /</.test(raw) ? 'text/html' : 'text/plain';
  return { status, body: readBody(type, text), retryAfterMs: undefined, index: undefined };
}
