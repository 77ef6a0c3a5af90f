import { types } from 'node:util';

/** A text that can be reached from a thing, and by which way through its members. */
export interface Reachable {
  readonly path: string;
  readonly text: string;
}

interface Step {
  readonly path: string;
  readonly thing: unknown;
}

/**
 * Every text, and all bytes as text, that can be reached from `root` through own members (hidden ones, symbols and
 * getters included), entries of maps and sets, and the keys of all these. Private members cannot be reached, which
 * is why secrets live there.
 */
export function* reachableFrom(root: unknown): Iterable<Reachable> {
  const seen = new Set<unknown>();
  const ahead: Step[] = [{ path: '', thing: root }];
  for (let step = ahead.pop(); step !== undefined; step = ahead.pop()) {
    const { path, thing } = step;
    if (typeof thing === 'string') yield { path, text: thing };
    if (!isObject(thing) || seen.has(thing)) continue;
    seen.add(thing);
    if (ArrayBuffer.isView(thing)) {
      const { buffer, byteOffset, byteLength } = thing;
      yield { path, text: Buffer.from(buffer, byteOffset, byteLength).toString() };
      continue;
    }
    for (const key of keysOf(thing)) yield { path: `${path} (a key)`, text: key };
    ahead.push(...membersOf(thing, path));
  }
}

function keysOf(thing: object): string[] {
  return types.isProxy(thing) ? [] : Reflect.ownKeys(thing).map(String);
}

/** A proxy may answer anything, or act: it is left alone here; printing sees through it. */
function membersOf(thing: object, path: string): Step[] {
  if (types.isProxy(thing)) return [];
  const members = Reflect.ownKeys(thing).map((key) => ({
    path: path + (typeof key === 'string' && /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${String(key)}]`),
    thing: read(thing, key),
  }));
  if (!(thing instanceof Map || thing instanceof Set)) return members;
  const entries = [...thing.entries()].flatMap(([key, value]) => [
    { path: `${path}.keys()`, thing: key },
    { path: `${path}.values()`, thing: value },
  ]);
  return [...members, ...entries];
}

function read(thing: object, key: string | symbol): unknown {
  try {
    return Reflect.get(thing, key);
  } catch {
    return undefined; // A getter that throws shows nothing.
  }
}

function isObject(thing: unknown): thing is object {
  return (typeof thing === 'object' && thing !== null) || typeof thing === 'function';
}
