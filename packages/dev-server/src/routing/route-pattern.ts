/** A name as the server's `GenericNameRegex` takes it. */
const NAME = String.raw`\w(?:[\w.-]*\w)?`;

/** Finds the parameters of a path, or `undefined` where it does not fit. */
export type PathMatcher = (path: string) => Readonly<Record<string, string>> | undefined;

/**
 * Compiles a route's pattern: `roles/:name`, `data/:path*` (the rest of the path, slashes included; `:path+` where
 * it must not be empty), and a `/?` at the end for an optional slash, which a LIST always brings.
 */
export function pathMatcher(pattern: string): PathMatcher {
  const source = pattern
    .replace(/[.()|^$[\]{}\\]/g, '\\$&')
    .replace(/:(\w+)([*+])/g, '(?<$1>.$2)')
    .replace(/:(\w+)(?![\w*>])/g, `(?<$1>${NAME})`);
  const expression = new RegExp(`^${source}$`, 's');
  return (path) => {
    const match = expression.exec(path);
    return match === null ? undefined : { ...match.groups };
  };
}
