export { freePort, freePorts } from '../../scripts/servers/ports.mjs';
