import { uuid } from './identifiers.js';

/** What the server sends back. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON body; absent for an empty one. */
  readonly json?: unknown;
  /** A body that is not JSON. */
  readonly text?: { readonly type: string; readonly body: string };
}

/** The fields that every answer of an engine has, null where they say nothing. */
export interface Envelope {
  readonly lease_id: string;
  readonly renewable: boolean;
  readonly lease_duration: number;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly wrap_info: Readonly<Record<string, unknown>> | null;
  readonly warnings: readonly string[] | null;
  readonly auth: Readonly<Record<string, unknown>> | null;
}

/** An envelope with the given fields filled in. */
export function envelope(fields: Partial<Envelope>): Envelope {
  return {
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: null,
    auth: null,
    ...fields,
  };
}

/** An engine's answer with its own request id. */
export function enveloped(status: number, body: Envelope, topLevel: object = {}): Answer {
  return { status, json: { request_id: uuid(), ...body, ...topLevel } };
}

/** `{"errors": [...]}`. */
export function errorAnswer(status: number, errors: readonly string[]): Answer {
  return { status, json: { errors } };
}

/** JSON as Go writes it: `<`, `>`, `&` and the two line separators escaped, a newline at the end. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}
