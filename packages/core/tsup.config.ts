import { packageConfig } from '../../tsup.base.js';

// lossless-json is bundled: as many small modules it would cost every importer 9 ms (see THIRD-PARTY-NOTICES.md).
export default packageConfig(['index', 'provider', 'testing'], { noExternal: ['lossless-json'] });
