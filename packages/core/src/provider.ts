/**
 * What a provider is written against: the contract, its error class, the JSON that keeps digits, and one call for all
 * who ask meanwhile.
 *
 * @module
 */
export { SingleFlight } from './concurrency/single-flight.js';
export type { ErrorCode } from './errors/error-policy.js';
export { isSecretsError, SecretsError, type SecretsErrorInit } from './errors/secrets-error.js';
export { jsonNumber, jsonText, parseJson } from './model/json.js';
export type { Lease, LeaseHandle } from './model/lease.js';
export type {
  CallOptions,
  FetchOptions,
  Provider,
  ProviderRef,
  RenewOptions,
  SecretVersion,
  SessionContract,
  SessionGrant,
  SessionOptions,
} from './provider/contract.js';
export type { Clock, HostClock, SleepOptions, Timer, Timers } from './time/clock.js';
export { type Duration, durationMs } from './time/duration.js';
export { systemClock } from './time/system-clock.js';
