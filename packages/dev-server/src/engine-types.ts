import type { HostClock } from '@keyturn/core/provider';
import { createAppRole } from './auth/app-role.js';
import { createJwt } from './auth/jwt.js';
import { createUserpass } from './auth/userpass.js';
import type { Background } from './background.js';
import type { Engine } from './engine.js';
import { createDatabase } from './engines/database/database.js';
import { createKvV1 } from './engines/kv-v1.js';
import { createKvV2 } from './engines/kv-v2/kv-v2.js';
import type { Mount } from './mounts.js';
import { refused } from './refusal.js';

/** What an engine is made from. */
export interface EngineParts {
  readonly clock: HostClock;
  readonly background: Background;
}

/** The engine of a mount that somebody asked for. @throws Refusal 400 for a type that there is none of */
export function engineFor(mount: Omit<Mount, 'engine'>, { clock, background }: EngineParts): Engine {
  if (mount.kind === 'auth') {
    if (mount.type === 'approle') return createAppRole(clock);
    if (mount.type === 'jwt') return createJwt(clock);
    if (mount.type === 'userpass') return createUserpass(clock);
  } else {
    if (mount.type === 'kv') return mount.options?.version === '2' ? createKvV2(clock) : createKvV1();
    if (mount.type === 'database') return createDatabase(clock, background, mount.config);
  }
  throw refused(`plugin not found in the catalog: ${mount.type}`);
}
