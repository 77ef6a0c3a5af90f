import { packageConfig } from '../../../tsup.base.js';

/**
 * What node-vault loads at its top and is never asked for here: its own HTTP client, template engine, validator and debug
 * output are replaced by what `src/client.ts` gives it, its commands do not exist, nobody listens to its events.
 */
const UNUSED: Readonly<Record<string, string>> = {
  axios: 'module.exports = {}',
  debug: 'module.exports = () => () => {}',
  mustache: 'module.exports = {}',
  tv4: 'module.exports = { validate: () => true }',
  https: 'module.exports = {}',
  events: 'module.exports = class {}',
  './commands.js': 'module.exports = {}',
};

// Bundled without them, node-vault costs the first call 1 ms in place of 70 (see THIRD-PARTY-NOTICES.md).
export default packageConfig(['index'], {
  noExternal: ['node-vault'],
  esbuildPlugins: [
    {
      name: 'node-vault alone',
      setup(build) {
        build.onResolve({ filter: /./ }, ({ path, importer }) =>
          /[\\/]node_modules[\\/]node-vault[\\/]/.test(importer) && path in UNUSED
            ? { path, namespace: 'unused' }
            : undefined,
        );
        build.onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({ contents: UNUSED[path] ?? '' }));
      },
    },
  ],
});
