import { SecretsError } from '../errors/secrets-error.js';
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
 * version and stage left out; else `base`.
 */
export function policiesOf(base: CachePolicy, rules: readonly PolicyRule[]): (target: Target) => CachePolicy {
  if (rules.length === 0) return () => base;
  const compiled = rules.map(({ pattern, policy }) => ({ matches: matcher(pattern), policy }));
  return ({ alias, at }) => {
    const name = `${alias}:${at.path}`;
    return compiled.find(({ matches }) => matches.test(name))?.policy ?? base;
  };
}

/** @throws SecretsError `invalid-config` for a pattern that can match no reference of `aliases` */
export function checkPattern(pattern: string, aliases: readonly string[], setting: string): void {
  const alias = pattern.slice(0, Math.max(0, pattern.indexOf(':')));
  const isKnown = aliases.includes(alias) || (alias.includes('*') && /^[\w*-]+$/.test(alias));
  if (isKnown && pattern.length > alias.length + 1 && !/[?#]/.test(pattern)) return;
  throw new SecretsError('invalid-config', {
    problem: `The pattern ${JSON.stringify(pattern)} of ${setting} matches no reference.`,
    remedy: `Write alias:path, with * for a part of a segment and ** for any number of them, and without version, stage or field; the aliases are ${aliases.join(', ')}.`,
  });
}

function matcher(pattern: string): RegExp {
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const stars = pattern.match(STARS) ?? [];
  const body = pattern
    .split(STARS)
    .map(
      (text, place) =>
        literal(text) + (stars[place] === undefined ? '' : stars[place] === '**' ? '.*' : '[^/]*'),
    );
  return new RegExp(`^${body.join('')}$`, 's');
}
