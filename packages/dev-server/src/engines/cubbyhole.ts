import type { Engine } from '../engine.js';
import { failed, notFound, refused } from '../refusal.js';
import { type CallContext, route } from '../routing/route.js';
import { listKeys } from './key-listing.js';

/** A private store for each token, gone with it. */
export interface Cubbyhole extends Engine {
  /** Forgets what an ended token kept. */
  readonly drop: (tokenId: string) => void;
}

export function createCubbyhole(): Cubbyhole {
  const holes = new Map<string, Map<string, Readonly<Record<string, unknown>>>>();
  const holeOf = ({ caller }: CallContext) => {
    if (caller?.definition.type !== 'service') {
      throw refused('cubbyhole operations are only supported by "service" type tokens');
    }
    const hole = holes.get(caller.id) ?? new Map();
    holes.set(caller.id, hole);
    return hole;
  };
  return {
    routes: [
      route({
        pattern: ':path*',
        anyFields: true,
        on: {
          read(call) {
            const data = holeOf(call).get(call.path);
            if (data === undefined) throw notFound();
            return { data };
          },
          write(call) {
            const hole = holeOf(call);
            if (Object.keys(call.data).length === 0) throw failed('missing data fields');
            hole.set(call.path, call.data);
            return undefined;
          },
          delete(call) {
            holeOf(call).delete(call.path);
            return undefined;
          },
          list: (call) => listKeys(holeOf(call).keys(), call.path),
        },
      }),
    ],
    drop: (tokenId) => void holes.delete(tokenId),
  };
}
