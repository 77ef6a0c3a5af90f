export type { KubernetesServer, ServiceAccount, TokenSpec } from '../../scripts/servers/kubernetes.mjs';
export { startKubernetes } from '../../scripts/servers/kubernetes.mjs';
