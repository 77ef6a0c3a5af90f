import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tryReading } from '../object/own-data.js';
import type { Redactor } from '../redactor.js';
import { insideOf } from '../redactor-inside.js';
import { RequestValues } from '../request/request-values.js';
import type { ValueScope, ValueScopes } from '../request/value-scope.js';

/**
 * Runs `run`, which handles the request, and masks what the request brought that is secret in everything that
 * `redactor` is given meanwhile.
 *
 * Also what the request and the response emit counts as meanwhile: bodies that are read, lines that are logged when it
 * is finished or aborted. Other requests do not notice. Nothing is looked at before something is logged; the redactor
 * keeps nothing of it.
 *
 * @param body the parsed body, or undefined while there is none; default `request.body`
 * @throws SecretsError `invalid-config` for a redactor that `createRedactor` did not make
 */
export function redactRequest<Result>(
  request: IncomingMessage,
  response: ServerResponse,
  redactor: Redactor,
  run: () => Result,
  body: () => unknown = () => (request as { body?: unknown }).body,
): Result {
  const { isSensitive, scopes } = insideOf(redactor);
  const values = new RequestValues(request, () => tryReading(body, undefined), isSensitive);
  const scope = scopes.open(values);
  emitWithin(request, scopes, scope);
  emitWithin(response, scopes, scope);
  response.once('close', () => values.detach());
  return scopes.run(scope, run);
}

/** Node emits from wherever the socket was read, which is nobody's request. */
function emitWithin(emitter: EventEmitter, scopes: ValueScopes, scope: ValueScope): void {
  const { emit } = emitter;
  emitter.emit = (...event) => scopes.run(scope, () => emit.apply(emitter, event));
}
