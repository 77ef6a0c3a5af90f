export { startMicroburst } from '../../scripts/servers/microburst.mjs';
export { MINISTACK_ROOT, startMinistack } from '../../scripts/servers/ministack.mjs';
export { startMoto } from '../../scripts/servers/moto.mjs';
export type { PipServer } from '../../scripts/servers/pip-server.mjs';
