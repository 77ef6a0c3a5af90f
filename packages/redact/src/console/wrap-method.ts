type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Puts `around` in the place of a method, until the undo that it returns is called.
 *
 * Somebody who wrapped the method after us keeps working then: our part passes everything on.
 */
export function wrapMethod(owner: object, name: string, around: (original: Method) => Method): () => void {
  const methods = owner as Record<string, Method>;
  const original = methods[name] as Method;
  const wrapped = around(original);
  let wrapping = true;
  const method: Method = function (...args) {
    return Reflect.apply(wrapping ? wrapped : original, this, args);
  };
  methods[name] = method;
  return () => {
    wrapping = false;
    if (methods[name] === method) methods[name] = original;
  };
}
