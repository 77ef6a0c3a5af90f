import { type Handler, type Route, route } from '../../routing/route.js';

type BareHandler = Handler<Record<never, never>>;

/** Paths without `data/`, as a client writes them that takes the mount for KV version 1. */
export const INVALID_PATHS: readonly Route[] = [
  ...['data', 'metadata', 'delete', 'undelete', 'destroy'].map((pattern) =>
    route({ pattern, anyFields: true, on: { read: root, write: root, delete: root, patch: root } }),
  ),
  route({
    pattern: ':path*',
    anyFields: true,
    on: {
      read: invalid('get'),
      write: invalid('put'),
      list: invalid('list'),
      delete: invalid('delete'),
      patch: invalid('patch'),
    },
  }),
];

function root(): ReturnType<BareHandler> {
  return {
    status: 404,
    data: null,
    warnings: ['Non-listing operations on the root of a K/V v2 mount are not supported.'],
  };
}

function invalid(command: string): BareHandler {
  return () => ({
    status: 404,
    data: null,
    warnings: [
      `Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'bao kv ${command}' for this operation.`,
    ],
  });
}
