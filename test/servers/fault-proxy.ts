export type { FaultMode, FaultProxy, FaultScope, SeenRequest } from '../../scripts/servers/fault-proxy.mjs';
export { startFaultProxy } from '../../scripts/servers/fault-proxy.mjs';
export type { TcpFaultMode, TcpFaultProxy } from '../../scripts/servers/tcp-fault-proxy.mjs';
export { startTcpFaultProxy } from '../../scripts/servers/tcp-fault-proxy.mjs';
