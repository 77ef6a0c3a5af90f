import { type ArgumentsHost, Catch, HttpException, type HttpServer, Inject, Logger } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { type Observable, throwError } from 'rxjs';
import { KEYTURN_REDACTOR } from './keyturn-module.js';
import type { TextRedactor } from './keyturn-options.js';
import { maskBody } from './mask-body.js';
import { requireRedactor } from './require-redactor.js';

const UNKNOWN = 'Internal server error';

/**
 * Masks an exception (message, stack, cause, response), then does with it what Nest does by default. The exception
 * itself is not changed.
 *
 * ```ts
 * { provide: APP_FILTER, useClass: RedactingExceptionFilter }
 * ```
 */
export class RedactingExceptionFilter extends BaseExceptionFilter {
  readonly #redactor: TextRedactor;
  readonly #logger = new Logger('ExceptionsHandler');

  /**
   * @param redactor the `redactor` of the module
   * @param applicationRef the HTTP adapter, needed where Nest does not make the filter: `app.getHttpAdapter()`
   * @throws SecretsError `invalid-config` without a redactor
   */
  // A rest parameter, because Nest 12 warns of every other that it has nothing to inject for.
  constructor(redactor: TextRedactor, ...[applicationRef]: [applicationRef?: HttpServer]) {
    super(applicationRef);
    this.#redactor = requireRedactor(redactor, {
      user: 'RedactingExceptionFilter',
      setting: 'redactor',
      methods: ['redact', 'redactObject'],
    });
  }

  override catch(exception: unknown, host: ArgumentsHost): Observable<never> | undefined {
    const masked = this.#masked(exception);
    switch (host.getType<string>()) {
      case 'http':
        super.catch(masked, host);
        return undefined;
      case 'rpc': {
        const answer = this.#remoteAnswer(masked);
        return throwError(() => answer);
      }
      case 'ws':
        host.switchToWs().getClient().emit?.('exception', this.#remoteAnswer(masked));
        return undefined;
      default:
        // GraphQL and the like format what is thrown.
        throw masked;
    }
  }

  #masked(exception: unknown): unknown {
    const copy = this.#redactor.redactObject(exception, 'nest exception');
    if (!(exception instanceof HttpException)) return copy;
    // What a client is answered keeps its form: only values are masked, not every key that may name a secret.
    const mask = (text: string) => this.#redactor.redact(text, 'nest exception');
    const response = maskBody(exception.getResponse(), mask);
    const status = exception.getStatus();
    return Object.defineProperties(copy, {
      getResponse: { value: () => response },
      getStatus: { value: () => status },
    });
  }

  /** As the default filters for microservices and gateways answer. */
  #remoteAnswer(masked: unknown): unknown {
    const { getError } = Object(masked) as { getError?: unknown };
    if (typeof getError !== 'function') {
      this.#logger.error(masked);
      return { status: 'error', message: UNKNOWN };
    }
    const error: unknown = getError.call(masked);
    return typeof error === 'object' && error !== null ? error : { status: 'error', message: error };
  }
}
Catch()(RedactingExceptionFilter);
Inject(KEYTURN_REDACTOR)(RedactingExceptionFilter, undefined, 0);
