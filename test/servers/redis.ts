export type { RedisLogin, RedisServer } from '../../scripts/servers/redis.mjs';
export { hasRedis, startRedis } from '../../scripts/servers/redis.mjs';
