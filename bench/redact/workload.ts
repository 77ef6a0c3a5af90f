/** Repeatable, so that two runs measure the same. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const HEX = '0123456789abcdef';
const MESSAGES = [
  'request completed',
  'connection established',
  'cache miss for the customer, asking the database',
  'handler timed out, retrying',
  'GET /api/v1/orders?page=2&sort=created_at HTTP/1.1',
  'user agent Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
];

/** `count` values of 32 random letters and digits, each a string of its own. */
export function values(count: number, seed = 1): string[] {
  const below = randomFrom(seed);
  return Array.from({ length: count }, () => flat(pick(LETTERS, 32, below)));
}

/** Log lines in JSON, together of at least `length` characters, cut to it. */
export function logText(length: number, seed = 2): string {
  const below = randomFrom(seed);
  let text = '';
  while (text.length < length) {
    text += `${JSON.stringify({
      level: 30,
      time: 1_790_000_000_000 + below(1e9),
      pid: below(30_000),
      hostname: `orders-${pick(HEX, 10, below)}-${pick(LETTERS, 5, below).toLowerCase()}`,
      reqId: [8, 4, 4, 4, 12].map((part) => pick(HEX, part, below)).join('-'),
      msg: MESSAGES[below(MESSAGES.length)],
      etag: pick(LETTERS, 22, below),
      responseTime: below(90_000) / 100,
    })}\n`;
  }
  return flat(text.slice(0, length));
}

/** The same string in one piece: what is put together from parts is copied when it is first read. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function pick(alphabet: string, length: number, below: (limit: number) => number): string {
  let text = '';
  for (let index = 0; index < length; index++) text += alphabet.charAt(below(alphabet.length));
  return text;
}
