import { createHash } from 'node:crypto';
import type { Lot } from './make-token.js';

/** Kinds of lines without a secret in them, and how to make one. */
export const HARMLESS: Readonly<Record<string, (draw: Lot) => string>> = {
  'MD5 and SHA-1': (draw) => `cache entry ${hash('md5', draw)} replaced by ${hash('sha1', draw)}`,
  'SHA-256 and SHA-512': (draw) =>
    `checksum sha256:${hash('sha256', draw)} of part ${draw.below(9)}, ${hash('sha512', draw)}`,
  'hash in base64': (draw) =>
    `"integrity": "sha512-${createHash('sha512').update(draw.uuid()).digest('base64')}",`,
  UUID: (draw) => `request ${draw.uuid()} finished in ${draw.below(900)} ms for tenant ${draw.uuid()}`,
  'ULID and KSUID': (draw) => `order 01${draw.text('upper36', 24)} shipped, event ${draw.text('base62', 27)}`,
  'git id': (draw) =>
    `commit ${draw.text('hex', 40)} (HEAD -> main, origin/main), parent ${draw.text('hex', 7)}`,
  'image digest': (draw) =>
    `Pulled registry.example.com/team/api:1.${draw.below(99)}@sha256:${draw.text('hex', 64)}`,
  'base64 image': (draw) => `<img src="data:image/png;base64,${draw.text('base64', 400)}==">`,
  'base64 body': (draw) => `body=${draw.text('base64', 900)}=`,
  'hex dump': (draw) =>
    `0000${draw.below(9)}0 ${draw.text('hex', 4)} ${draw.text('hex', 4)} ${draw.text('hex', 4)} ${draw.text('hex', 4)}`,
  'trace ids': (draw) => `traceparent: 00-${draw.text('hex', 32)}-${draw.text('hex', 16)}-01`,
  'access log': (draw) =>
    `10.0.${draw.below(255)}.${draw.below(255)} - - [24/Nov/2026:10:${draw.below(50) + 10}:11 +0000] "GET /api/v1/orders/${draw.below(99999)}?page=${draw.below(9)}&sort=asc HTTP/1.1" 200 ${draw.below(9999)} "https://shop.example.com/" "Mozilla/5.0 (X11; Linux x86_64)"`,
  'JSON log': (draw) =>
    `{"level":30,"time":17000000${draw.text('digit', 5)},"pid":${draw.below(9999)},"hostname":"api-${draw.text('hex', 10)}-${draw.text('letter', 5)}","reqId":"${draw.uuid()}","msg":"request completed","responseTime":${draw.below(99)}.${draw.below(99)}}`,
  'pod names': (draw) =>
    `Created pod: orders-${draw.text('hex', 10)}-${draw.text('letter', 5)} in namespace shop`,
  'ARN and ETag': (draw) =>
    `arn:aws:secretsmanager:eu-west-1:${draw.text('digit', 12)}:secret:prod/db-${draw.text('base62', 6)} etag "${draw.text('hex', 32)}"`,
  URLs: (draw) =>
    `GET https://api.example.com:8443/v2/users/${draw.below(999)}/orders?limit=20&cursor=${draw.text('base62', 24)} -> 204`,
  'e-mail and SSH': (draw) =>
    `git@github.com:team/repo.git user${draw.below(99)}@example.com ssh-rsa AAAAB3NzaC1yc2E${draw.text('base64', 300)} me@host`,
  certificate: (draw) =>
    `-----BEGIN CERTIFICATE-----\nMIID${draw.text('base64', 60)}\n${draw.text('base64', 64)}\n-----END CERTIFICATE-----`,
  'stack trace': (draw) =>
    `TypeError: Cannot read properties of undefined (reading 'token')\n    at Object.parseToken (/app/dist/auth/token-service.js:${draw.below(300)}:${draw.below(80)})`,
  'about tokens': (draw) =>
    pick(draw, [
      'invalid token: unexpected end of input',
      'Unexpected token < in JSON at position 0',
      'refresh token expired, asking for a new one',
      'csrf token missing from request',
      'token=expired user=anonymous',
      '{"type":"Identifier","tokenCount":42,"maxTokens":4096,"nextToken":null}',
      'prompt_tokens=1834 completion_tokens=220 total_tokens=2054',
      'secret: orders-db-credentials not found in namespace shop',
      'mounting secret "projects/1234567890/secrets/orders/versions/7"',
      'secretName=orders-db-credentials-v2 synced',
      'the password must have at least 12 characters',
      'password: required',
      'Password authentication failed for user "app"',
      'password reset requested for user 4711',
      'passwordResetUrl=https://example.com/reset',
      'authorization: denied for user 4711 on orders',
      'bearer authentication is required',
      'Basic authentication is disabled',
      'api key rejected: unknown key id 17',
      'cookie: not set',
      'credentials: include',
      'rotated vault:database/creds/orders, lease of 3600 s, version 12',
    ]),
  prose: (draw) =>
    pick(draw, [
      'The quick brown fox jumps over the lazy dog.',
      'listening on http://localhost:3000',
      'npm_config_registry=https://registry.example.com/',
      'risk-assessment task-force disk-usage at 93 %',
    ]),
  identifiers: (draw) =>
    `com.example.orders.service.OrderServiceImplementationFactoryBean#createOrder${draw.below(99)} sk_${draw.below(9)} pk-index idx_orders_customer_id_created_at`,
  numbers: (draw) =>
    `offset=${draw.text('digit', 16)} lsn=16/${draw.text('hex', 8)} time=2026-11-24T10:${draw.below(50) + 10}:07.123Z duration=${draw.below(99)}.${draw.text('digit', 9)}`,
};

function hash(name: string, draw: Lot): string {
  return createHash(name).update(draw.uuid()).digest('hex');
}

function pick(draw: Lot, lines: readonly string[]): string {
  return lines[draw.below(lines.length)] as string;
}
