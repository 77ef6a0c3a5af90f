import { packageConfig } from '../../tsup.base.js';

// Bundled, since each would cost every importer 7 to 9 ms (see THIRD-PARTY-NOTICES.md).
export default packageConfig(['index', 'provider', 'testing'], {
  noExternal: ['lossless-json', 'lru-cache'],
});
