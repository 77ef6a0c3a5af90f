import { lineRedaction, type Redactor } from '@keyturn/redact';

/** A destination of log lines. */
interface LineStream {
  write(line: string): void;
}

/** The part of pino's options that a redactor needs, besides whatever was given. */
export type LoggerOptions<Given> = Omit<Given, 'stream'> & { readonly stream: LineStream };

/**
 * Options for `fastify({ logger })` with which every finished line is masked before it is written.
 *
 * A line is masked as a whole, after serializers and `redact` have done their part, and stays JSON. It goes to `options.stream`, or to
 * standard output. A `transport` writes from another thread and cannot be combined with this: pass its stream
 * (`pino.transport(…)`) as `stream`.
 */
export function loggerOptions<Given extends { readonly stream?: LineStream }>(
  redactor: Redactor,
  options?: Given,
): LoggerOptions<Given> {
  const { stream = process.stdout, ...rest } = options ?? ({} as Given);
  const mask = lineRedaction(redactor, 'fastify log');
  return { ...rest, stream: { write: (line) => void stream.write(mask(line)) } };
}
