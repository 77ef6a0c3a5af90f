import { foreignCause } from '../../errors/foreign-cause.js';
import { systemClock } from '../../time/system-clock.js';
import { assertThat } from '../assert-that.js';
import { type LeakProbe, leakProbe } from '../leak-probe.js';
import type { SecretData } from '../memory/secret-shelf.js';
import { holdsWithin, settledWithin } from '../pass-time.js';
import { type TestSource, testSource } from '../test-source.js';
import type { BackendCredential, IntegrationUnderTest, OpenedIntegration } from './integration-under-test.js';
import { Load, type LoadReport } from './load.js';

const DEFAULT_SETTLE_MS = 5_000;
/** How long a call may take that has to wait for others, in milliseconds. */
const CALL_MS = 15_000;

/** An integration on the bench: opened on a source whose revocations reach the backend, and watched for leaks. */
export class IntegrationBench {
  readonly underTest: IntegrationUnderTest;
  readonly source: TestSource;
  readonly opened: OpenedIntegration;
  /** Holders that the integration said it had let go of. */
  readonly letGo: string[] = [];
  /** Those of them that still had connections. */
  readonly cutOff: string[] = [];
  readonly #probe: LeakProbe;
  readonly #issued: BackendCredential[];
  readonly #revoked = new Set<BackendCredential>();

  private constructor(
    underTest: IntegrationUnderTest,
    source: TestSource,
    opened: OpenedIntegration,
    first: BackendCredential,
    probe: LeakProbe,
  ) {
    this.underTest = underTest;
    this.source = source;
    this.opened = opened;
    this.#issued = [first];
    this.#probe = probe;
  }

  static async open(underTest: IntegrationUnderTest): Promise<IntegrationBench> {
    const first = await underTest.backend.issue();
    const probe = leakProbe(first.secrets);
    const onRevoke = (data: SecretData) => bench?.revoke(data);
    const source = testSource(first.data, { onRevoke });
    let bench: IntegrationBench | undefined;
    try {
      const opened = await underTest.open(source, source.ref);
      bench = new IntegrationBench(underTest, source, opened, first, probe);
      return bench;
    } catch (error) {
      probe.stop();
      await source.close();
      throw error;
    }
  }

  /** The credential that was issued last. */
  get newest(): BackendCredential {
    return this.#issued.at(-1) as BackendCredential;
  }

  get #settleMs(): number {
    return this.underTest.settleMs ?? DEFAULT_SETTLE_MS;
  }

  /** How many connections are to be at work at once: more than there may be. */
  get workers(): number {
    return 2 * (this.underTest.max ?? 4);
  }

  /** Makes another credential at the backend. */
  async issue(): Promise<BackendCredential> {
    const credential = await this.underTest.backend.issue();
    this.#probe.add(...credential.secrets);
    this.#issued.push(credential);
    return credential;
  }

  /** A whole rotation: the old credential is revoked at the backend by the end of it. */
  async rotate(): Promise<BackendCredential> {
    const next = await this.issue();
    await this.source.rotate(next.data);
    return next;
  }

  /** Ends a credential at the backend, once: on behalf of the source, or from outside. */
  async revoke(data: SecretData, { fromOutside = false } = {}): Promise<void> {
    const credential = this.#issued.find((each) => each.data === data);
    if (credential === undefined || this.#revoked.has(credential)) return;
    this.#revoked.add(credential);
    const { backend } = this.underTest;
    if (!fromOutside) this.letGo.push(credential.holder);
    const isLeft =
      fromOutside || (await this.comesToHold(async () => (await this.connections(credential)) === 0));
    if (!isLeft) this.cutOff.push(credential.holder);
    await backend.revoke(credential);
  }

  connections(credential?: BackendCredential): Promise<number> {
    return this.underTest.backend.liveConnections(credential?.holder);
  }

  /** Uses the integration until the backend sees it as `credential`. */
  async assertTurnsTo(credential: BackendCredential): Promise<void> {
    const turned = await this.comesToHold(async () => (await this.opened.use()) === credential.holder);
    assertThat(turned, `the new credential must come into use within ${this.#settleMs} ms`);
  }

  /** Runs `body` under load, and asserts that nothing failed. */
  async underLoad(body: (load: Load) => Promise<void>): Promise<LoadReport> {
    const load = new Load(() => this.opened.use(), this.workers, systemClock);
    let report: LoadReport | undefined;
    try {
      await body(load);
    } finally {
      report = await load.stop();
      for (const failure of report.failures) this.look(failure, 'the error of an operation');
    }
    const { done, failures } = report;
    assertThat(done > 0, 'the load must have done something');
    const [first] = failures;
    const what = first === undefined ? '' : `, the first with ${JSON.stringify(foreignCause(first))}`;
    assertThat(failures.length === 0, `${failures.length} of ${done} operations failed${what}`);
    return report;
  }

  /** What `call` rejects with, within time. */
  async failure(call: () => Promise<unknown>, what: string): Promise<unknown> {
    const outcome = await settledWithin(systemClock, CALL_MS, call());
    assertThat(outcome !== undefined, `${what} must settle within ${CALL_MS} ms`);
    assertThat(outcome.status === 'rejected', `${what} must reject, but resolves`);
    this.look(outcome.reason, `the error of: ${what}`);
    return outcome.reason;
  }

  comesToHold(condition: () => boolean | Promise<boolean>): Promise<boolean> {
    return holdsWithin(systemClock, this.#settleMs, condition);
  }

  look(thing: unknown, where: string): void {
    this.#probe.inspect(thing, where);
  }

  /** Nothing that the integration handed out or said may show a credential. */
  assertNothingShown(): void {
    for (const thing of this.opened.exposed) this.look(thing, 'what the integration hands out');
    this.#probe.assertClean();
  }

  async close(): Promise<void> {
    this.#probe.stop();
    await this.opened.close();
    await this.source.close();
    await this.underTest.stop?.();
  }
}
