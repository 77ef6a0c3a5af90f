import { SecretsError } from '@keyturn/core/provider';
import { lineRedaction, type Redactor } from '@keyturn/redact';

/** A destination of log lines. */
interface LineStream {
  write(line: string): void;
}

/** What `fastify({ logger })` takes, as far as it matters here; everything else is passed on. */
export interface GivenLoggerOptions {
  readonly stream?: LineStream;
  readonly [option: string]: unknown;
}

/** The part of the logger's options that a redactor needs, besides whatever was given. */
export type LoggerOptions<Given> = Omit<Given, 'stream'> & { readonly stream: LineStream };

/**
 * Options for `fastify({ logger })` with which every finished line is masked before it is written.
 *
 * A line is masked as a whole, after serializers and `redact` have done their part, and stays JSON. It goes to
 * `options.stream`, or to standard output.
 *
 * @throws SecretsError `invalid-config` for something that is not a redactor, and for `transport` and `file`, which would
 *   write past the mask: pass the stream of the transport (`pino.transport(…)`) as `stream`
 */
export function loggerOptions<const Given extends GivenLoggerOptions>(
  redactor: Redactor,
  options?: Given,
): LoggerOptions<Given> {
  const past = ['transport', 'file'].find((name) => options?.[name] !== undefined);
  if (past !== undefined) {
    throw new SecretsError('invalid-config', {
      problem: `The option ${past} of the logger would write past the mask.`,
      remedy: 'Pass a stream instead: stream: pino.transport({ target: … }), or pino.destination(file).',
    });
  }
  const { stream = process.stdout, ...rest } = options ?? ({} as Given);
  const mask = lineRedaction(redactor, 'fastify log');
  return { ...rest, stream: { write: (line) => void stream.write(mask(line)) } } as LoggerOptions<Given>;
}
