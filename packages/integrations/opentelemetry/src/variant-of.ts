/**
 * `original` itself if it has these properties already; otherwise another object of the same class that differs in
 * them.
 *
 * A property of a class that reads a private field of nearly the same name (`body` and `_body`) differs in both, so
 * that the original value is nowhere in the variant.
 */
export function variantOf<Original extends object>(original: Original, changes: object): Original {
  const current = original as Record<string, unknown>;
  const changed = Object.entries(changes).filter(([name, value]) => current[name] !== value);
  if (changed.length === 0) return original;
  const properties = Object.getOwnPropertyDescriptors(original) as Record<string, PropertyDescriptor>;
  for (const [name, value] of changed) {
    const own = properties[name] === undefined && `_${name}` in properties ? `_${name}` : name;
    properties[own] = { value, enumerable: true, writable: true, configurable: true };
  }
  return Object.create(Object.getPrototypeOf(original), properties);
}
