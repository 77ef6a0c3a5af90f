import type { HostClock } from '@keyturn/core/provider';
import { refused } from '../refusal.js';
import { rfc3339 } from '../time/rfc3339.js';
import type { Token } from '../tokens.js';
import { WRAPPING_POLICY } from '../wrapping.js';
import { type Acl, createAcl, ROOT_ACL } from './acl.js';
import { DEFAULT_POLICY } from './default-policy.js';
import { type PathRule, PolicyError, parsePolicy } from './policy-document.js';

/** A stored policy. */
export interface Policy {
  readonly name: string;
  readonly text: string;
  readonly rules: readonly PathRule[];
  readonly modified: string;
  readonly version: number;
}

/** The named policies. Names are compared without case. */
export interface PolicyStore {
  find(name: string): Policy | undefined;
  names(): readonly string[];
  /** @throws Refusal 400 for a text that cannot be parsed, and for `root` */
  write(name: string, text: string): void;
  /** @throws Refusal 400 for `root` and `default` */
  remove(name: string): void;
  /** What a token with these policies may do; names that do not exist grant nothing. */
  aclOf(token: Token): Acl;
}

const WRAPPING_RULES: readonly PathRule[] = [
  { path: 'cubbyhole/response', capabilities: ['create', 'read'] },
  { path: 'sys/wrapping/unwrap', capabilities: ['update'] },
];

export function createPolicyStore(clock: HostClock): PolicyStore {
  const policies = new Map<string, Policy>();
  const put = (name: string, text: string, rules: readonly PathRule[]) => {
    const version = (policies.get(name)?.version ?? 0) + 1;
    policies.set(name, { name, text, rules, version, modified: rfc3339(clock.wallMs()) });
  };
  put('default', DEFAULT_POLICY, parsePolicy(DEFAULT_POLICY));

  return {
    find: (name) => policies.get(name.toLowerCase()),
    names: () => [...policies.keys(), 'root'].sort(),
    write(name, text) {
      if (name.toLowerCase() === 'root') throw refused('cannot update "root" policy');
      put(name.toLowerCase(), text, parsed(text));
    },
    remove(name) {
      const key = name.toLowerCase();
      if (key === 'root') throw refused('cannot delete "root" policy');
      if (key === 'default') throw refused('cannot delete default policy');
      policies.delete(key);
    },
    aclOf(token) {
      const names = token.definition.policies;
      if (names.includes('root')) return ROOT_ACL;
      return createAcl(
        names.flatMap((name) =>
          name === WRAPPING_POLICY ? WRAPPING_RULES : (policies.get(name)?.rules ?? []),
        ),
      );
    },
  };
}

function parsed(text: string): readonly PathRule[] {
  try {
    return parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicyError) throw refused(`failed to parse policy: ${error.message}`);
    throw error;
  }
}
