/**
 * Secrets from files that something else writes: Kubernetes volumes, CSI drivers, Docker secrets, templating agents.
 *
 * @module
 */
export { type MountedFilesOptions, mountedFiles } from './mounted-files.js';
