import type { HostClock } from '@keyturn/core/provider';
import { createTokenApi } from './auth/token-api.js';
import { type Background, createBackground } from './background.js';
import { engineFor } from './engine-types.js';
import { createCubbyhole } from './engines/cubbyhole.js';
import { createSystem } from './engines/system/system.js';
import { createEntities, type Entities } from './entities.js';
import { createLeases, type Leases } from './leases.js';
import { createMounts, type Mount, type MountDefinition, type Mounts } from './mounts.js';
import { createPolicyStore, type PolicyStore } from './policies/policy-store.js';
import { createRateLimits, type RateLimits } from './rate-limits.js';
import { createSeal, type Seal } from './seal.js';
import { createTokens, type Tokens } from './tokens.js';
import { createWrapping, type Wrapping } from './wrapping.js';

/** Everything that the server remembers. */
export interface Store {
  readonly clock: HostClock;
  readonly background: Background;
  readonly mounts: Mounts;
  readonly tokens: Tokens;
  readonly leases: Leases;
  readonly policies: PolicyStore;
  readonly wrapping: Wrapping;
  readonly entities: Entities;
  readonly rateLimits: RateLimits;
  readonly seal: Seal;
  /** @throws Refusal 400 for a type that there is no engine of */
  mount(definition: MountDefinition): Mount;
  /** Ends a mount's leases, waits for them, and removes it. */
  unmount(mount: Mount): Promise<void>;
  close(): void;
}

/** A fresh store, as a dev server starts: KV version 2 at `secret/`, a root token, nothing else. */
export function createStore(clock: HostClock, rootToken: string): Store {
  const background = createBackground();
  const mounts = createMounts();
  const policies = createPolicyStore(clock);
  const leases = createLeases(clock, background);
  const cubbyhole = createCubbyhole();
  const tokens = createTokens(clock, background, (token) => {
    leases.expireOfToken(token.id);
    cubbyhole.drop(token.id);
    wrapping.drop(token.id);
  });
  const wrapping = createWrapping(clock, tokens, () => tokenMount);
  const store: Store = {
    clock,
    background,
    mounts,
    tokens,
    leases,
    policies,
    wrapping,
    entities: createEntities(),
    rateLimits: createRateLimits(clock),
    seal: createSeal(background),
    mount: (definition) => mounts.add(definition, (mount) => engineFor(mount, { clock, background })),
    async unmount(mount) {
      for (const lease of leases.under(mount.path)) await leases.revoke(lease);
      for (const token of tokens.leased()) if (token.definition.mount === mount) tokens.revoke(token);
      mount.engine.close?.();
      mounts.remove(mount);
    },
    close() {
      leases.close();
      tokens.close();
      for (const mount of mounts.list()) mount.engine.close?.();
    },
  };

  mounts.add(
    {
      path: 'sys/',
      kind: 'secret',
      type: 'system',
      description: 'system endpoints used for control, policy and debugging',
      builtIn: true,
    },
    () => createSystem(store),
  );
  mounts.add(
    { path: 'identity/', kind: 'secret', type: 'identity', description: 'identity store', builtIn: true },
    () => ({ routes: [] }),
  );
  mounts.add(
    {
      path: 'cubbyhole/',
      kind: 'secret',
      type: 'cubbyhole',
      description: 'per-token private secret storage',
      builtIn: true,
    },
    () => cubbyhole,
  );
  const tokenMount = mounts.add(
    {
      path: 'auth/token/',
      kind: 'auth',
      type: 'token',
      description: 'token based credentials',
      builtIn: true,
    },
    () => createTokenApi({ clock, tokens, policies }),
  );
  store.mount({
    path: 'secret/',
    kind: 'secret',
    type: 'kv',
    description: 'key/value secret storage',
    options: { version: '2' },
  });
  tokens.issue({
    type: 'service',
    id: rootToken,
    path: 'auth/token/create',
    policies: ['root'],
    displayName: 'token',
    mount: tokenMount,
  });
  return store;
}
