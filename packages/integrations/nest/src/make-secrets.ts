import { createSecrets, type Secrets, SecretsError, type ValueSink } from '@keyturn/core';
import type { KeyturnOptions } from './keyturn-options.js';

/**
 * The secrets that `options` describe, or those that they hold.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function makeSecrets(options: KeyturnOptions): Secrets {
  if (typeof options !== 'object' || options === null)
    throw invalid('The options are no object.', 'an object');
  const { redactor, responseRedactor, preload = true, isGlobal, ...rest } = options;
  if (typeof preload !== 'boolean') throw invalid('preload is no boolean.', 'true or false');
  if (!('secrets' in rest) || rest.secrets === undefined) {
    const { secrets, ...config } = rest;
    const sinks = [redactor, responseRedactor].filter((sink) => sink !== undefined);
    return createSecrets(sinks.length === 0 ? config : { ...config, redactor: sinkOf(sinks) });
  }
  const { secrets, ...others } = rest;
  const [extra] = Object.keys(others);
  if (extra !== undefined) throw invalid(`${extra} is set besides secrets.`, 'either');
  if (typeof secrets.getSecret !== 'function')
    throw invalid('secrets is not made by createSecrets.', 'those');
  return secrets;
}

/** One sink before several. */
function sinkOf(sinks: readonly ValueSink[]): ValueSink {
  return {
    add(value, ref) {
      for (const sink of sinks) sink.add(value, ref);
    },
    retire(value, ref) {
      for (const sink of sinks) sink.retire(value, ref);
    },
  };
}

function invalid(problem: string, wanted: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem,
    remedy: `Give KeyturnModule.forRoot, or return from the useFactory of forRootAsync, ${wanted}.`,
  });
}
