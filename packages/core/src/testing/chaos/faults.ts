import type { Clock } from '../../time/clock.js';
import type { ProviderCall } from '../call-log.js';
import type { CallUnderFault, Fault, FaultScope, Misdeed } from './fault.js';

class ActiveFault implements Fault {
  met = 0;
  readonly #misdeed: Misdeed;
  readonly #scope: FaultScope;
  readonly #untilMs: number;
  readonly #clock: Clock;
  readonly #ended = new AbortController();

  constructor(misdeed: Misdeed, scope: FaultScope, clock: Clock) {
    this.#misdeed = misdeed;
    this.#scope = scope;
    this.#clock = clock;
    this.#untilMs = clock.monotonicMs() + (scope.forMs ?? Number.POSITIVE_INFINITY);
    if (scope.forMs === undefined) return;
    clock.sleep(scope.forMs, { signal: this.#ended.signal }).then(
      () => this.stop(),
      () => {},
    );
  }

  /** Whether it meets `call`; one that does is counted. */
  meets(call: ProviderCall): boolean {
    const { times = Number.POSITIVE_INFINITY } = this.#scope;
    if (this.#isOver || this.met >= times || !this.#isFor(call)) return false;
    this.met++;
    return true;
  }

  commit(call: CallUnderFault): Promise<unknown> {
    return this.#misdeed(call, this.#ended.signal);
  }

  stop(): void {
    this.#ended.abort();
  }

  get #isOver(): boolean {
    return this.#ended.signal.aborted || this.#clock.monotonicMs() >= this.#untilMs;
  }

  #isFor(call: ProviderCall): boolean {
    const { only } = this.#scope;
    if (only === undefined) return call.method !== 'close';
    return typeof only === 'function' ? only(call) : [only].flat().includes(call.method);
  }
}

/** The faults in force. A call meets them in the order in which they began. */
export class Faults {
  readonly #active = new Set<ActiveFault>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(misdeed: Misdeed, scope: FaultScope): Fault {
    const fault = new ActiveFault(misdeed, scope, this.#clock);
    this.#active.add(fault);
    return fault;
  }

  /** Ends them all; calls that they held up go on. */
  heal(): void {
    for (const fault of this.#active) fault.stop();
    this.#active.clear();
  }

  /** Runs a call under the faults that meet it. */
  meet<Result>(
    call: ProviderCall,
    under: Omit<CallUnderFault, 'proceed'>,
    act: () => Promise<Result>,
  ): Promise<Result> {
    const met = [...this.#active].filter((fault) => fault.meets(call));
    const way = met.reduceRight<() => Promise<unknown>>(
      (proceed, fault) => () => fault.commit({ ...under, proceed }),
      act,
    );
    // A fault that spoils an answer breaks its type on purpose.
    return way() as Promise<Result>;
  }

  /** Whether one of the faults meets `call`. */
  meets(call: ProviderCall): boolean {
    return [...this.#active].some((fault) => fault.meets(call));
  }
}
