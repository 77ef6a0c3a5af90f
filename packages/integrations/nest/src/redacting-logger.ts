import { ConsoleLogger, type LoggerService, type LogLevel } from '@nestjs/common';
import type { TextRedactor } from './keyturn-options.js';
import { requireRedactor } from './require-redactor.js';

/**
 * Masks what is logged, before another logger formats and writes it: messages, objects, errors with their stacks and
 * causes, contexts.
 *
 * ```ts
 * const app = await NestFactory.create(AppModule, { logger: new RedactingLogger(redactor) });
 * ```
 */
export class RedactingLogger implements LoggerService {
  readonly #redactor: TextRedactor;
  readonly #target: LoggerService;

  /**
   * @param target what writes; default Nest's `ConsoleLogger`
   * @throws SecretsError `invalid-config` without a redactor
   */
  constructor(redactor: TextRedactor, target: LoggerService = new ConsoleLogger()) {
    this.#redactor = requireRedactor(redactor, {
      user: 'RedactingLogger',
      setting: 'redactor',
      methods: ['redact', 'redactObject'],
    });
    this.#target = target;
  }

  log(...parts: [message: unknown, ...optionalParams: unknown[]]): void {
    this.#target.log(...this.#masked(parts));
  }

  error(...parts: [message: unknown, ...optionalParams: unknown[]]): void {
    this.#target.error(...this.#masked(parts));
  }

  warn(...parts: [message: unknown, ...optionalParams: unknown[]]): void {
    this.#target.warn(...this.#masked(parts));
  }

  debug(...parts: [message: unknown, ...optionalParams: unknown[]]): void {
    this.#target.debug?.(...this.#masked(parts));
  }

  verbose(...parts: [message: unknown, ...optionalParams: unknown[]]): void {
    this.#target.verbose?.(...this.#masked(parts));
  }

  fatal(...parts: [message: unknown, ...optionalParams: unknown[]]): void {
    this.#target.fatal?.(...this.#masked(parts));
  }

  setLogLevels(levels: LogLevel[]): void {
    this.#target.setLogLevels?.(levels);
  }

  #masked([message, ...others]: [unknown, ...unknown[]]): [unknown, ...unknown[]] {
    return [this.#mask(message), ...others.map((other) => this.#mask(other))];
  }

  #mask(part: unknown): unknown {
    if (typeof part !== 'function') return this.#redactor.redactObject(part, 'nest log');
    // Nest logs a class by its name and calls any other function for the message, if its level is on.
    return isClass(part) ? part : () => this.#mask(Reflect.apply(part, undefined, []));
  }
}

function isClass(part: unknown): boolean {
  return String(part).startsWith('class ');
}
