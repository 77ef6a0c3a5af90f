/**
 * HashiCorp Vault and OpenBao for Keyturn.
 *
 * @module
 */
export { type ApproleConfig, approle } from './auth/approle.js';
export type { Auth, Login, LoginReading, Wrapped } from './auth/auth.js';
export type { AwsCredentials } from './auth/aws-credentials.js';
export { type AwsIamConfig, awsIam } from './auth/aws-iam.js';
export { type CertificateConfig, certificate } from './auth/certificate.js';
export { type JwtConfig, jwt } from './auth/jwt.js';
export { type KubernetesConfig, kubernetes } from './auth/kubernetes.js';
export { ldap } from './auth/ldap.js';
export type { PasswordConfig } from './auth/password-login.js';
export { type TokenConfig, token } from './auth/token.js';
export { type TokenFileConfig, tokenFile } from './auth/token-file.js';
export { userpass } from './auth/userpass.js';
export type { VaultTls } from './tls-settings.js';
export { transit } from './transit/transit.js';
export type {
  Binding,
  CallSettings,
  Datakey,
  DatakeySettings,
  DecryptItem,
  EncryptItem,
  HmacSettings,
  Outcomes,
  RewrapItem,
  SignItem,
  SignSettings,
  Transit,
  VerifyItem,
} from './transit/transit-contract.js';
export type { TransitConfig } from './transit/transit-settings.js';
export { vault } from './vault.js';
export type { MountKind, ReadParameters, VaultConfig } from './vault-settings.js';
