import { type HclBody, HclError, type HclValue, parseHcl } from './hcl.js';

/** What a policy can grant on a path, in the order in which answers list it. */
export const CAPABILITIES = [
  'create',
  'delete',
  'deny',
  'list',
  'patch',
  'read',
  'scan',
  'sudo',
  'update',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** One `path` block. */
export interface PathRule {
  /** As written: `secret/data/+/app/*`. */
  readonly path: string;
  readonly capabilities: readonly Capability[];
}

/** A policy text that cannot be used, in the words of the server. */
export class PolicyError extends Error {}

/** What the older `policy = "…"` stands for. */
const OLD_POLICIES: Readonly<Record<string, readonly Capability[]>> = {
  deny: ['deny'],
  read: ['read', 'list'],
  write: ['create', 'read', 'update', 'delete', 'list'],
  sudo: ['create', 'read', 'update', 'delete', 'list', 'sudo'],
};

/** Keys of a `path` block that the server knows and this one does not evaluate: refused, never ignored. */
const NOT_EVALUATED = new Set([
  'allowed_parameters',
  'denied_parameters',
  'required_parameters',
  'min_wrapping_ttl',
  'max_wrapping_ttl',
  'mfa_methods',
  'pagination_limit',
  'expiration',
  'list_scan_response_keys_filter_path',
  'control_group',
]);

/**
 * Parses a policy, in HCL or in JSON.
 *
 * Paths with an identity template (`{{identity.…}}`) are left out: nothing here has an identity to fill in, so they
 * grant nothing, as on a server for a token without an entity.
 *
 * @throws PolicyError
 */
export function parsePolicy(text: string): readonly PathRule[] {
  const rules: PathRule[] = [];
  for (const { key, labels, value, line } of documentOf(text).items) {
    if (key === 'name') continue;
    const path = labels[0];
    if (key !== 'path')
      throw new PolicyError(`1 error occurred:\n\t* invalid key "${key}" on line ${line}\n\n`);
    if (path === undefined || !isBody(value)) throw new PolicyError('a path block needs a path and a body');
    if (!path.includes('{{'))
      rules.push({ path: path.replace(/^\/+/, ''), capabilities: grants(path, value) });
  }
  return rules;
}

function grants(path: string, body: HclBody): readonly Capability[] {
  if (/(^|\/)\+\*/.test(path)) {
    throw new PolicyError(`path "${path}": invalid use of wildcards ('+*' is forbidden)`);
  }
  const granted = new Set<Capability>();
  for (const { key, value, line } of body.items) {
    if (key === 'capabilities') {
      for (const item of Array.isArray(value) ? value : [value]) granted.add(capability(path, item));
    } else if (key === 'policy') {
      const old = OLD_POLICIES[String(value)];
      if (old === undefined) throw new PolicyError(`path "${path}": invalid policy "${String(value)}"`);
      for (const item of old) granted.add(item);
    } else if (NOT_EVALUATED.has(key)) {
      throw new PolicyError(`path "${path}": the dev server does not evaluate "${key}" (line ${line})`);
    } else if (key !== 'comment') {
      throw new PolicyError(
        `path "${path}": 1 error occurred:\n\t* invalid key "${key}" on line ${line}\n\n`,
      );
    }
  }
  return granted.has('deny') ? ['deny'] : [...granted];
}

function capability(path: string, value: HclValue): Capability {
  const known = CAPABILITIES.find((name) => name === value);
  if (known === undefined) {
    throw new PolicyError(`path "${path}": path "${path}": invalid capability "${String(value)}"`);
  }
  return known;
}

function documentOf(text: string): HclBody {
  try {
    return text.trimStart().startsWith('{') ? fromJson(text) : parseHcl(text);
  } catch (error) {
    throw new PolicyError(error instanceof HclError ? error.message : 'the text is neither HCL nor JSON');
  }
}

/** `{"path": {"secret/*": {…}}}`, or a list of such objects in place of the inner one. */
function fromJson(text: string): HclBody {
  const document: unknown = JSON.parse(text);
  const items = entries(document).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((part: unknown) =>
      entries(part).map(([label, body]) => ({ key, labels: [label], value: bodyOf(body), line: 1 })),
    ),
  );
  return { items };
}

function bodyOf(value: unknown): HclBody {
  return {
    items: entries(value).map(([key, item]) => ({
      key,
      labels: [],
      value: Array.isArray(item) ? item.map(String) : typeof item === 'object' ? bodyOf(item) : String(item),
      line: 1,
    })),
  };
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function isBody(value: HclValue): value is HclBody {
  return typeof value === 'object' && 'items' in value;
}
