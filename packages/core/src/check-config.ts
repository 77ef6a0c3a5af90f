import { checkPattern } from './cache/policies.js';
import { SecretsError } from './errors/secrets-error.js';
import { isAlias } from './model/secret-ref.js';
import type { Provider } from './provider/contract.js';
import { isFallback } from './provider/fallback.js';
import type { SecretsConfig } from './secrets-config.js';

const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  '': [
    'providers',
    'mode',
    'cache',
    'resilience',
    'rotation',
    'redactor',
    'plainFields',
    'instance',
    'clock',
  ],
  cache: ['ttl', 'maxStale', 'maxEntries', 'overrides'],
  resilience: [
    'attemptTimeout',
    'attempts',
    'firstRetryDelay',
    'maxRetryDelay',
    'breakerReset',
    'concurrency',
  ],
  rotation: ['proofTimeout', 'drainTimeout', 'revokeTimeout'],
};

const MODES: readonly unknown[] = [undefined, 'auto', 'background', 'lazy'];

/**
 * Checks that a configuration holds what it may hold, and nothing else.
 *
 * @throws SecretsError `invalid-config` that names the setting
 */
export function checkConfig(config: SecretsConfig): void {
  for (const [section, known] of Object.entries(SECTIONS)) {
    const given: unknown = section === '' ? config : config?.[section as keyof SecretsConfig];
    if (given === undefined && section !== '') continue;
    checkNames(given, known, section);
  }
  const providers = Object.entries(config.providers ?? {});
  if (providers.length === 0) throw invalid('providers', 'is empty');
  for (const [alias, provider] of providers) {
    if (!isAlias(alias)) throw invalid(`providers.${alias}`, 'is not a word of letters, digits, - and _');
    const all = isFallback(provider) ? provider.providers : [provider];
    if (!all.every(isProvider)) throw invalid(`providers.${alias}`, 'is not a provider');
    if (new Set(all).size < all.length) throw invalid(`providers.${alias}`, 'falls back to itself');
  }
  if (!MODES.includes(config.mode)) throw invalid('mode', 'is none of auto, background, lazy');
  checkOverrides(config.cache?.overrides, Object.keys(config.providers));
  const { redactor, plainFields = [], clock, instance } = config;
  if (!Array.isArray(plainFields) || plainFields.some((name) => typeof name !== 'string' || name === ''))
    throw invalid('plainFields', 'is not a list of names');
  if (redactor !== undefined && !hasMethods(redactor, ['add', 'retire']))
    throw invalid('redactor', 'lacks add or retire');
  if (clock !== undefined && !hasMethods(clock, ['wallMs', 'monotonicMs', 'random', 'sleep', 'arm']))
    throw invalid('clock', 'is not a clock');
  if (instance !== undefined && typeof instance !== 'string') throw invalid('instance', 'is not a string');
}

function checkOverrides(overrides: unknown, aliases: readonly string[]): void {
  if (overrides === undefined) return;
  if (typeof overrides !== 'object' || overrides === null || Array.isArray(overrides))
    throw invalid('cache.overrides', 'is not an object');
  for (const [pattern, terms] of Object.entries(overrides)) {
    checkPattern(pattern, aliases, 'cache.overrides');
    checkNames(terms, ['ttl', 'maxStale'], `cache.overrides of ${pattern}`);
  }
}

function checkNames(given: unknown, known: readonly string[], section: string): void {
  if (typeof given !== 'object' || given === null)
    throw invalid(section || 'The argument', 'is not an object');
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw invalid(
    section === '' ? unknown : `${section}.${unknown}`,
    `is not known; there are ${known.join(', ')}`,
  );
}

function isProvider(provider: Provider | undefined): boolean {
  if (!hasMethods(provider, ['fetch'])) return false;
  const methods = ['fetchMany', 'renew', 'revoke', 'watch', 'list', 'close'] as const;
  const { session, addresses } = provider as Provider;
  const isAble = methods.every((name) => ['undefined', 'function'].includes(typeof provider?.[name]));
  const isPlaced = addresses === undefined || isListOfAddresses(addresses);
  return isAble && isPlaced && (session === undefined || hasMethods(session, ['login']));
}

function isListOfAddresses(addresses: unknown): boolean {
  if (!Array.isArray(addresses) || addresses.length === 0) return false;
  const areTexts = addresses.every((address) => typeof address === 'string' && address !== '');
  return areTexts && new Set(addresses).size === addresses.length;
}

function hasMethods(thing: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof (thing as Record<string, unknown> | null)?.[name] === 'function');
}

/** A setting that is wrong. */
export function invalid(setting: string, problem: string): SecretsError {
  return new SecretsError('invalid-config', {
    problem: `The setting ${setting} ${problem}.`,
    remedy: 'Correct it in the call of createSecrets.',
  });
}
