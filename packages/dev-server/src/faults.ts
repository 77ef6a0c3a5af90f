import type { Clock } from '@keyturn/core/provider';

/** What goes wrong with a request. */
export type FaultAction =
  /** Answers with this status and `{"errors": [...]}`. */
  | { readonly answer: number; readonly errors?: readonly string[]; readonly retryAfterSeconds?: number }
  /** A web page with status 200, as a captive portal or a proxy sends; JSON cut short; nothing at all. */
  | { readonly answer: 'html' | 'malformed-json' | 'empty' }
  /** The connection is reset, or held open without an answer until the server closes. */
  | { readonly answer: 'reset' | 'hang' }
  /** The request is carried out, this much later. */
  | { readonly latencyMs: number };

/** Which requests a fault meets. All of them where nothing is said. */
export interface FaultScope {
  readonly method?: string;
  /** The start of the path below `/v1/`, or an expression that it must match. */
  readonly path?: string | RegExp;
  /** After so many requests the fault is over. */
  readonly times?: number;
}

/** A fault in force. */
export interface Fault {
  /** How many requests it has met. */
  readonly hits: number;
  remove(): void;
}

/** Faults on demand. */
export interface Faults {
  inject(fault: FaultAction & FaultScope): Fault;
  clear(): void;
  /** Counts the request and says what should happen to it, the oldest fault first; latencies add up. */
  meet(method: string, path: string): readonly FaultAction[];
}

export function createFaults(): Faults {
  const active = new Set<{ readonly fault: FaultAction & FaultScope; hits: number }>();
  return {
    inject(fault) {
      const entry = { fault, hits: 0 };
      active.add(entry);
      return {
        get hits() {
          return entry.hits;
        },
        remove: () => void active.delete(entry),
      };
    },
    clear: () => active.clear(),
    meet(method, path) {
      const met: FaultAction[] = [];
      for (const entry of active) {
        if (!concerns(entry.fault, method, path)) continue;
        entry.hits += 1;
        if (entry.hits === entry.fault.times) active.delete(entry);
        met.push(entry.fault);
        if ('answer' in entry.fault) break;
      }
      return met;
    },
  };
}

/** Waits out the latencies among `actions`. */
export async function delay(
  actions: readonly FaultAction[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const action of actions) if ('latencyMs' in action) await clock.sleep(action.latencyMs, { signal });
}

function concerns({ method, path }: FaultScope, actualMethod: string, actualPath: string): boolean {
  if (method !== undefined && method.toUpperCase() !== actualMethod) return false;
  if (path === undefined) return true;
  return typeof path === 'string' ? actualPath.startsWith(path) : path.test(actualPath);
}
