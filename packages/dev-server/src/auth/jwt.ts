import type { KeyObject } from 'node:crypto';
import type { HostClock } from '@keyturn/core/provider';
import type { Engine } from '../engine.js';
import { keysReply } from '../engines/key-listing.js';
import { notFound, refused } from '../refusal.js';
import type { LoginGrant, TokenTerms } from '../reply.js';
import { route } from '../routing/route.js';
import { checkClaims, textClaim } from './jwt-claims.js';
import { type Claims, JwtError, readPublicKey, verifiedClaims } from './jwt-verification.js';
import { describeTerms, readTerms, TOKEN_FIELDS } from './token-terms.js';

interface Config {
  readonly pems: readonly string[];
  readonly keys: readonly KeyObject[];
  readonly boundIssuer: string;
  readonly defaultRole: string;
}

interface Role {
  readonly userClaim: string;
  readonly boundAudiences: readonly string[];
  readonly boundSubject: string;
  readonly boundClaims: Readonly<Record<string, unknown>>;
  readonly boundClaimsType: 'string' | 'glob';
  readonly claimMappings: Readonly<Record<string, string>>;
  readonly terms: TokenTerms;
}

/** JWT login with public keys given to the mount; no key is fetched from anywhere. */
export function createJwt(clock: HostClock): Engine {
  let config: Config | undefined;
  const roles = new Map<string, Role>();

  const login = (given: string | undefined, token: string | undefined): LoginGrant => {
    if (config === undefined) throw refused('could not load configuration');
    const name = given || config.defaultRole;
    if (name === '') throw refused('missing role');
    const role = roles.get(name);
    if (role === undefined) throw refused(`role "${name}" could not be found`);
    if (!token) throw refused('missing token');
    const claims = accepted(token, config, role);
    const alias = textClaim(claims, role.userClaim);
    if (alias === undefined) throw new JwtError(`claim "${role.userClaim}" not found in token`);
    return {
      alias,
      displayName: alias,
      metadata: { ...mapped(claims, role.claimMappings), role: name },
      terms: () => (roles.get(name) ?? role).terms,
    };
  };

  const accepted = (token: string, { keys, boundIssuer }: Config, role: Role): Claims => {
    const claims = verifiedClaims(token, keys);
    const rules = {
      issuer: boundIssuer,
      subject: role.boundSubject,
      audiences: role.boundAudiences,
      claims: role.boundClaims,
      glob: role.boundClaimsType === 'glob',
    };
    checkClaims(claims, rules, clock.wallMs() / 1000);
    return claims;
  };

  return {
    routes: [
      route({
        pattern: 'login',
        access: 'public',
        fields: { role: 'text', jwt: 'text' },
        on: {
          write({ fields }) {
            try {
              return { login: login(fields.role, fields.jwt) };
            } catch (error) {
              throw error instanceof JwtError ? refused(error.message) : error;
            }
          },
        },
      }),
      route({
        pattern: 'config',
        fields: {
          jwt_validation_pubkeys: 'statements',
          bound_issuer: 'text',
          default_role: 'text',
          jwks_url: 'text',
          oidc_discovery_url: 'text',
        },
        on: {
          read() {
            if (config === undefined) throw notFound();
            return { data: describeConfig(config) };
          },
          write({ fields }) {
            if (fields.jwks_url || fields.oidc_discovery_url) {
              throw refused('the dev server takes keys from "jwt_validation_pubkeys" only');
            }
            const pems = (fields.jwt_validation_pubkeys ?? []).map((pem) => pem.trim());
            if (pems.length === 0) {
              throw refused(
                "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', 'oidc_discovery_url', or 'provider_config' must be set",
              );
            }
            config = {
              pems,
              keys: publicKeys(pems),
              boundIssuer: fields.bound_issuer ?? '',
              defaultRole: fields.default_role ?? '',
            };
            return undefined;
          },
        },
      }),
      route({ pattern: 'role/?', on: { list: () => keysReply([...roles.keys()].sort()) } }),
      route({
        pattern: 'role/:name',
        exists: ({ name = '' }) => roles.has(name),
        anyFields: true,
        fields: {
          ...TOKEN_FIELDS,
          role_type: 'text',
          user_claim: 'text',
          bound_audiences: 'texts',
          bound_subject: 'text',
          bound_claims: 'map',
          bound_claims_type: 'text',
          claim_mappings: 'pairs',
        },
        on: {
          read({ params }) {
            const role = roles.get(params.name as string);
            if (role === undefined) throw notFound();
            return { data: describeRole(role) };
          },
          write({ params, fields }) {
            const before = roles.get(params.name as string);
            const type = fields.role_type || (before === undefined ? 'oidc' : 'jwt');
            if (type === 'oidc') throw refused('the dev server has roles of role_type "jwt" only');
            if (type !== 'jwt') throw refused(`invalid 'role_type': ${type}`);
            const role: Role = {
              userClaim: fields.user_claim ?? before?.userClaim ?? '',
              boundAudiences: fields.bound_audiences ?? before?.boundAudiences ?? [],
              boundSubject: fields.bound_subject ?? before?.boundSubject ?? '',
              boundClaims: fields.bound_claims ?? before?.boundClaims ?? {},
              boundClaimsType:
                (fields.bound_claims_type ?? before?.boundClaimsType) === 'glob' ? 'glob' : 'string',
              claimMappings: fields.claim_mappings ?? before?.claimMappings ?? {},
              terms: readTerms(fields, before?.terms),
            };
            if (role.userClaim === '') throw refused('a user claim must be defined on the role');
            const bound = role.boundAudiences.length + Object.keys(role.boundClaims).length;
            if (bound === 0 && role.boundSubject === '') {
              throw refused('must have at least one bound constraint when creating/updating a role');
            }
            roles.set(params.name as string, role);
            return undefined;
          },
          delete({ params }) {
            roles.delete(params.name as string);
            return undefined;
          },
        },
      }),
    ],
  };
}

function publicKeys(pems: readonly string[]): KeyObject[] {
  try {
    return pems.map(readPublicKey);
  } catch (error) {
    throw error instanceof JwtError ? refused(error.message) : error;
  }
}

/** Claims copied into the token's metadata, under the names that the role gives them. */
function mapped(claims: Claims, mappings: Readonly<Record<string, string>>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [claim, key] of Object.entries(mappings)) {
    const value = textClaim(claims, claim);
    if (value !== undefined) metadata[key] = value;
  }
  return metadata;
}

function describeConfig(config: Config): Record<string, unknown> {
  return {
    bound_issuer: config.boundIssuer,
    default_role: config.defaultRole,
    jwks_ca_pem: '',
    jwks_url: '',
    jwt_supported_algs: [],
    jwt_validation_pubkeys: config.pems,
    namespace_in_state: true,
    oidc_client_id: '',
    oidc_discovery_ca_pem: '',
    oidc_discovery_url: '',
    oidc_response_mode: '',
    oidc_response_types: [],
    override_allowed_server_names: [],
    provider_config: {},
    status: 'valid',
  };
}

function describeRole(role: Role): Record<string, unknown> {
  return {
    ...describeTerms(role.terms),
    allowed_redirect_uris: null,
    bound_audiences: role.boundAudiences,
    bound_claims: role.boundClaims,
    bound_claims_type: role.boundClaimsType,
    bound_subject: role.boundSubject,
    callback_mode: 'client',
    claim_mappings: role.claimMappings,
    clock_skew_leeway: 0,
    expiration_leeway: 0,
    groups_claim: '',
    max_age: 0,
    not_before_leeway: 0,
    oauth2_metadata: null,
    oidc_disable_confirmation: false,
    oidc_scopes: null,
    role_type: 'jwt',
    token_policies_template_claims: false,
    user_claim: role.userClaim,
    user_claim_json_pointer: false,
    verbose_oidc_logging: false,
  };
}
