import { globMatches } from '../glob.js';
import { type Claims, JwtError } from './jwt-verification.js';

/** What a role demands of a token. */
export interface ClaimRules {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly glob: boolean;
}

/** Clocks may differ by this much, in seconds. */
const CLOCK_SKEW_SECONDS = 60;
/** How far a missing `exp` or `nbf` is taken to lie from the claim that is there. */
const LEEWAY_SECONDS = 150;

/** @throws JwtError for the first rule that does not hold, in the server's order */
export function checkClaims(claims: Claims, rules: ClaimRules, nowSeconds: number): void {
  const invalid = (claim: string, reason = '') =>
    new JwtError(`error validating token: invalid ${claim} claim${reason === '' ? '' : `: ${reason}`}`);
  if (rules.issuer !== '' && claims.iss !== rules.issuer) throw invalid('issuer (iss)');
  if (rules.subject !== '' && claims.sub !== rules.subject) throw invalid('subject (sub)');
  const audiences = listOf(claims.aud);
  if (rules.audiences.length > 0 && !rules.audiences.some((audience) => audiences.includes(audience))) {
    throw invalid('audience (aud)', 'audience claim does not match any expected audience');
  }
  checkTimes(claims, nowSeconds, invalid);
  if (rules.audiences.length === 0 && audiences.length > 0) {
    throw new JwtError(
      'error validating token: audience claim found in JWT but no audiences bound to the role',
    );
  }
  checkBoundClaims(claims, rules);
}

/** A claim as text. @throws JwtError where it is something else */
export function textClaim(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new JwtError(`error converting claim '${name}' to string`);
  return value;
}

function checkTimes(
  claims: Claims,
  nowSeconds: number,
  invalid: (claim: string, reason: string) => JwtError,
): void {
  const [iat, nbf, exp] = [seconds(claims.iat), seconds(claims.nbf), seconds(claims.exp)];
  if (iat === undefined && nbf === undefined && exp === undefined) {
    throw new JwtError(
      'error validating token: no issued at (iat), not before (nbf), or expiration time (exp) claims in token',
    );
  }
  const start = nbf ?? iat ?? (exp as number) - LEEWAY_SECONDS;
  const end = exp ?? Math.max(iat ?? start, start) + LEEWAY_SECONDS;
  if (nowSeconds < start - CLOCK_SKEW_SECONDS) {
    throw invalid('not before (nbf)', 'token not yet valid');
  }
  if (nowSeconds > end + CLOCK_SKEW_SECONDS) {
    throw invalid('expiration time (exp)', 'token is expired');
  }
}

function checkBoundClaims(claims: Claims, rules: ClaimRules): void {
  for (const [name, expected] of Object.entries(rules.claims)) {
    const actual = claims[name];
    if (actual === undefined) throw new JwtError(`error validating claims: claim "${name}" is missing`);
    const matches = listOf(expected).some((wanted) =>
      listOf(actual).some((found) => (rules.glob ? globMatches(wanted, found) : wanted === found)),
    );
    if (!matches) {
      throw new JwtError(
        `error validating claims: claim "${name}" does not match any associated bound claim values`,
      );
    }
  }
}

function listOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

function seconds(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
