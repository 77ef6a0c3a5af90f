/**
 * HashiCorp Vault and OpenBao for Keyturn.
 *
 * @module
 */
export { type ApproleConfig, approle } from './auth/approle.js';
export type { Auth, Login } from './auth/auth.js';
export { type JwtConfig, jwt } from './auth/jwt.js';
export { type KubernetesConfig, kubernetes } from './auth/kubernetes.js';
export { type TokenConfig, token } from './auth/token.js';
export type { VaultTls } from './tls-settings.js';
export { vault } from './vault.js';
export type { MountKind, ReadParameters, VaultConfig } from './vault-settings.js';
