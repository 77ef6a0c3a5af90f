import { type CallHandler, type ExecutionContext, Inject, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { KEYTURN_RESPONSE_REDACTOR } from './keyturn-module.js';
import type { ResponseRedactor } from './keyturn-options.js';
import { maskBody } from './mask-body.js';
import { requireRedactor } from './require-redactor.js';

/**
 * Masks the values of secrets in what handlers return, whatever the transport. Bytes, streams and `StreamableFile`
 * pass untouched, and so does what a handler writes to `@Res()` itself.
 *
 * ```ts
 * { provide: APP_INTERCEPTOR, useClass: RedactingInterceptor }
 * ```
 */
export class RedactingInterceptor implements NestInterceptor {
  readonly #redactor: ResponseRedactor;

  /**
   * @param redactor the `responseRedactor` of the module
   * @throws SecretsError `invalid-config` without a redactor
   */
  constructor(redactor: ResponseRedactor) {
    this.#redactor = requireRedactor(redactor, {
      user: 'RedactingInterceptor',
      setting: 'responseRedactor',
      methods: ['redact'],
    });
  }

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const mask = (text: string) => this.#redactor.redact(text, 'nest response');
    return next.handle().pipe(map((body: unknown) => maskBody(body, mask)));
  }
}
Inject(KEYTURN_RESPONSE_REDACTOR)(RedactingInterceptor, undefined, 0);
