/** Keys whose values are made anew on every server. */
const RANDOM_KEYS = new Set([
  'accessor',
  'client_token',
  'cluster_id',
  'cluster_name',
  'connection_url',
  'entity_id',
  'id',
  'lease_id',
  'password',
  'role_id',
  'secret_id',
  'secret_id_accessor',
  'token',
  'username',
  'uuid',
  'wrapped_accessor',
]);
/** Facts about the build or the moment that one side left out. */
const DROPPED_KEYS = new Set([
  'request_id',
  'cluster_id',
  'cluster_name',
  'commit_date',
  'server_time_utc',
  'build_date',
]);
/** Whole seconds that remain; the moment of the question decides between two neighbours. */
const REMAINING_KEYS = new Set(['ttl']);

/** What is left of an answer when ids, times and random values are masked, so that two servers can be compared. */
export function mask(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => mask(item, key));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !DROPPED_KEYS.has(name))
        .map(([name, item]) => [name, mask(item, name)]),
    );
  }
  if (typeof value === 'number') {
    if (value > 1_500_000_000 && value < 2_500_000_000) return '<epoch>';
    return REMAINING_KEYS.has(key) && value > 0 && value < 100 ? '<seconds left>' : value;
  }
  return typeof value === 'string' ? maskText(value, key) : value;
}

function maskText(text: string, key: string): string {
  if (text === '') return text;
  if (RANDOM_KEYS.has(key)) return '<random>';
  return text
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replace(/127\.0\.0\.1:\d+/g, '<address>')
    .replace(/^(\w)\1{90,}(\W\d+|\w*)$/s, '<long>')
    .replace(/^[A-Za-z0-9]{24}$/, '<random>');
}
