/**
 * Google Cloud Secret Manager for Keyturn.
 *
 * @module
 */
export { gcpSecretManager } from './gcp-secret-manager.js';
export type { GcpSecretManagerConfig } from './gcp-settings.js';
export type { AccessedVersion, ListedSecret, SecretManagerClient } from './secret-manager-client.js';
