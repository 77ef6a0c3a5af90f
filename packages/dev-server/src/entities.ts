import { uuid } from './identifiers.js';

/** Who logged in: one id for each name at each auth mount, the same at every login. */
export interface Entities {
  idOf(mountAccessor: string, alias: string): string;
}

export function createEntities(): Entities {
  const ids = new Map<string, string>();
  return {
    idOf(mountAccessor, alias) {
      const key = `${mountAccessor} ${alias}`;
      const id = ids.get(key) ?? uuid();
      ids.set(key, id);
      return id;
    },
  };
}
