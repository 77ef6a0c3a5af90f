import type { Secrets, SecretsConfig, ValueSink } from '@keyturn/core';
import type { DynamicModule, FactoryProvider } from '@nestjs/common';

/** What masks logs and errors: a redactor of @keyturn/redact. */
export interface TextRedactor {
  /** `text` with everything secret in it masked. */
  redact(text: string, sink?: string): string;
  /** A copy of `value` for a log, with everything secret in it masked. */
  redactObject(value: unknown, sink?: string): unknown;
}

/** What masks answers: a redactor of @keyturn/redact made with `shapes: false`, which knows values only. */
export type ResponseRedactor = Pick<TextRedactor, 'redact'>;

/** What `KeyturnModule.forRoot` takes: the settings of `createSecrets`, or `secrets` that exist already. */
export type KeyturnOptions = (
  | (Omit<SecretsConfig, 'redactor'> & { readonly secrets?: never })
  | { readonly secrets: Secrets }
) & {
  /** Told of every value; masks in logs and errors. */
  readonly redactor?: TextRedactor & ValueSink;
  /** Told of every value; masks in what handlers return. Made with `shapes: false`, or tokens that you issue are masked. */
  readonly responseRedactor?: ResponseRedactor & ValueSink;
  /** Fetch what is injected, and wait for pools, before the application listens. Default true. */
  readonly preload?: boolean;
  /** Whether every module can inject without importing. Default true. */
  readonly isGlobal?: boolean;
};

/** What `KeyturnModule.forRootAsync` takes. */
export interface KeyturnAsyncOptions {
  /** Modules that the factory needs something of. */
  readonly imports?: NonNullable<DynamicModule['imports']>;
  /** What the factory is called with. */
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** Makes the options. Its `isGlobal` is not looked at: modules are wired before it is called. */
  readonly useFactory: (...args: never[]) => KeyturnOptions | Promise<KeyturnOptions>;
  /** Whether every module can inject without importing. Default true. */
  readonly isGlobal?: boolean;
}
