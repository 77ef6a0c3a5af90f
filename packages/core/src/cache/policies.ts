import { SecretsError } from '../errors/secrets-error.js';
import { formatRef } from '../model/secret-ref.js';
import type { Target } from '../provider/target.js';
import type { CachePolicy } from './freshness.js';

/** Terms for the references that a pattern matches. */
export interface PolicyRule {
  readonly pattern: string;
  readonly policy: CachePolicy;
}

/** Two stars stand for any text, one for any text within a segment. */
const STARS = /\*\*|\*/g;

/**
 * Gives the terms that the cache keeps a target by: those of the first rule whose pattern matches its alias and path,
 * as a reference writes them, version and stage left out; else `base`.
 */
export function policiesOf(base: CachePolicy, rules: readonly PolicyRule[]): (target: Target) => CachePolicy {
  if (rules.length === 0) return () => base;
  const compiled = rules.map(({ pattern, policy }) => {
    const [alias, path] = halvesOf(pattern);
    return { alias: matcher(alias), path: matcher(path), policy };
  });
  return ({ alias, at: { path } }) => {
    const written = formatRef({ alias, path }).slice(alias.length + 1);
    return compiled.find((rule) => rule.alias.test(alias) && rule.path.test(written))?.policy ?? base;
  };
}

/** @throws SecretsError `invalid-config` for a pattern that can match no reference of `aliases` */
export function checkPattern(pattern: string, aliases: readonly string[], setting: string): void {
  const [alias, path] = halvesOf(pattern);
  const isKnown = aliases.some((each) => matcher(alias).test(each));
  if (isKnown && path !== '' && !/[?#]/.test(path)) return;
  throw new SecretsError('invalid-config', {
    problem: `The pattern ${JSON.stringify(pattern)} of ${setting} matches no reference.`,
    remedy: `Write alias:path, with * for a part of a segment and ** for any number of them, and without version, stage or field; the aliases are ${aliases.join(', ')}.`,
  });
}

function halvesOf(pattern: string): readonly [alias: string, path: string] {
  const colon = pattern.indexOf(':');
  return colon === -1 ? [pattern, ''] : [pattern.slice(0, colon), pattern.slice(colon + 1)];
}

function matcher(pattern: string): RegExp {
  const literals = pattern.split(STARS).map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const stars = Array.from(pattern.matchAll(STARS), ([star]) => (star === '**' ? '.*' : '[^/]*'));
  const body = literals.map((literal, place) => literal + (stars[place] ?? '')).join('');
  return new RegExp(`^${body}$`, 's');
}
