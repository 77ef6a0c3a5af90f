// @ts-check
import { startPipServer } from './pip-server.mjs';

/** What the emulator knows itself by; with `auth` it is the account's administrator. */
export const MINISTACK_ROOT = { accessKeyId: 'test', secretAccessKey: 'test' };

/**
 * Starts ministack, an emulator of AWS, with the Secrets Manager, the Parameter Store, IAM, STS and KMS.
 *
 * It differs from AWS in this: an ARN without its last six characters matches by prefix, BatchGetSecretValue has
 * neither a limit nor pages.
 *
 * @param {object} [options]
 * @param {boolean} [options.auth] whether it checks signatures and policies, as AWS does. Default false
 */
export function startMinistack({ auth = false } = {}) {
  return startPipServer({
    command: 'ministack',
    args: () => [],
    env: (port, dataDir) => ({
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      SERVICES: 'secretsmanager,ssm,sts,iam,kms',
      IOT_MTLS_ENABLED: '0',
      LOG_LEVEL: 'WARNING',
      STATE_DIR: dataDir,
      S3_DATA_DIR: dataDir,
      AWS_ACCESS_KEY_ID: MINISTACK_ROOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: MINISTACK_ROOT.secretAccessKey,
      ...(auth ? { AUTH: 'true' } : {}),
    }),
    readyPath: '/_ministack/health',
  });
}
