export type { OpenBaoOptions, OpenBaoServer } from '../../scripts/servers/openbao.mjs';
export { findOpenBao, startOpenBao, until } from '../../scripts/servers/openbao.mjs';
export type { OpenBaoCluster } from '../../scripts/servers/openbao-cluster.mjs';
export { startOpenBaoCluster } from '../../scripts/servers/openbao-cluster.mjs';
export type { VaultAnswer, VaultApi } from '../../scripts/servers/vault-api.mjs';
export { VaultApiError, vaultApi } from '../../scripts/servers/vault-api.mjs';
export { requireServer } from './require-server.js';
