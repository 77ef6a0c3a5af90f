/** What stands for a property that has a getter: calling it may do or reveal anything. */
const GETTER = '[Getter]';
/** What stands for something that throws when it is looked at. */
export const UNREADABLE = '[Unreadable]';

/**
 * The properties of its own that `value` shows when it is enumerated, without calling a getter.
 *
 * Those of its class are left out: they are methods, and getters that may reach for a secret.
 */
export function* ownData(value: object): Iterable<readonly [name: string, value: unknown, shown: boolean]> {
  for (const name of Object.getOwnPropertyNames(value)) {
    // Even this may throw: V8 formats the stack of an error when it is asked for its property.
    const property = tryReading(() => Object.getOwnPropertyDescriptor(value, name), { value: UNREADABLE });
    if (property === undefined) continue;
    yield [name, 'value' in property ? property.value : GETTER, property.enumerable === true];
  }
}

/** Sets a property, also one named `__proto__`, which an assignment would take for the prototype. */
export function setData(target: object, name: string, value: unknown, enumerable = true): void {
  Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true });
}

/** What `read` returns, or `fallback` when it throws. */
export function tryReading<Read>(read: () => Read, fallback: Read): Read {
  try {
    return read();
  } catch {
    return fallback;
  }
}
