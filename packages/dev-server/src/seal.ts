import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Background } from './background.js';

/** The seal: while it is closed the server answers nothing but its status, and nothing expires. */
export interface Seal {
  readonly sealed: boolean;
  /** The one key that opens it, base64. */
  readonly key: string;
  close(): void;
  /** Opens the seal if `key` (base64 or hex) is the right one. */
  openWith(key: string): 'opened' | 'wrong' | 'unreadable';
  open(): void;
}

export function createSeal(background: Background): Seal {
  const key = randomBytes(32);
  let sealed = false;
  const open = () => {
    sealed = false;
    background.resume();
  };
  return {
    get sealed() {
      return sealed;
    },
    key: key.toString('base64'),
    close() {
      sealed = true;
      background.pause();
    },
    openWith(given) {
      const bytes = keyBytes(given);
      if (bytes === undefined) return 'unreadable';
      if (bytes.length !== key.length || !timingSafeEqual(bytes, key)) return 'wrong';
      open();
      return 'opened';
    },
    open,
  };
}

function keyBytes(text: string): Buffer | undefined {
  if (/^(?:[0-9a-fA-F]{2})+$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0) return Buffer.from(text, 'base64');
  return undefined;
}
