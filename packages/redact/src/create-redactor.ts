import { channel } from 'node:diagnostics_channel';
import { durationMs, SecretsError, systemClock } from '@keyturn/core/provider';
import { sensitiveKeys } from './keys/sensitive-keys.js';
import { KnownValues } from './known/known-values.js';
import { createMask } from './mask.js';
import { compilePaths } from './object/key-paths.js';
import { ObjectWalk } from './object/redact-object.js';
import { createOutward } from './outward.js';
import type { Hit, Redactor, RedactorOptions, RedactorWarning } from './redactor.js';
import { exposeInside } from './redactor-inside.js';
import { ValueScopes } from './request/value-scope.js';
import { ShapeFinder } from './shapes/shape-finder.js';
import type { Span } from './span.js';
import { HeldText } from './stream/held-text.js';
import { redactStream } from './stream/redact-stream.js';
import { TextSearch } from './text-search.js';

/** So many are kept; who stores that many short values has read the first. */
const MOST_WARNINGS = 1_000;
/** Carries a {@link Hit} of any redactor of the process, for whoever measures. */
const valueMasked = channel('keyturn.value-masked');

/**
 * Creates a redactor: masks registered values in all their forms, keys that name secrets, and tokens by their look.
 *
 * ```ts
 * const redactor = createRedactor();
 * redactor.add('correct horse', 'vault:db#password');
 * redactor.redact('login with correct%20horse failed'); // login with [REDACTED] failed
 * ```
 *
 * @throws SecretsError `invalid-config` for a setting that makes no sense
 */
export function createRedactor(options: RedactorOptions = {}): Redactor {
  const { clock = systemClock, showRef = false, shapes = true, keys = [], onHit, onWarning } = options;
  checkOptions(options);
  const keepRetiredMs = durationMs(options.keepRetired ?? '1h', 'keepRetired');
  const isSensitive = sensitiveKeys(keys);
  const paths = compilePaths(options.paths ?? []);
  const mask = createMask(showRef);
  const known = new KnownValues();
  const finder = shapes ? new ShapeFinder(isSensitive, keys, options.moreShapes ?? []) : undefined;
  const forgetDue = (): void => {
    if (known.forgetting) known.forgetDue(clock.monotonicMs());
  };
  const always = [known.index];
  const scopes = new ValueScopes();
  const search = new TextSearch(() => scopes.indexes(always), finder, mask, forgetDue);
  const warnings: RedactorWarning[] = [];
  let reporting = false;

  const report = (spans: readonly Span[], sink: string | undefined): void => {
    if (reporting || (onHit === undefined && !valueMasked.hasSubscribers)) return;
    reporting = true;
    try {
      for (const ref of liveRefs(spans)) {
        const hit: Hit = { ref, sink };
        valueMasked.publish(hit);
        if (onHit !== undefined) quietly(() => onHit(hit));
      }
    } finally {
      reporting = false;
    }
  };
  const redact = (text: string, sink?: string): string => {
    const spans = search.find(text);
    if (spans.length === 0) return text;
    const masked = mask.apply(text, spans);
    report(spans, sink);
    return masked;
  };
  const hold = (sink?: string): HeldText => new HeldText(search, mask, (spans) => report(spans, sink));
  const knownOutward = createOutward(known.index, undefined, forgetDue, report);
  const shapedOutward = createOutward(known.index, finder, forgetDue, report);

  const walk = (sink: string | undefined, looksIntoBytes: boolean): ObjectWalk =>
    new ObjectWalk({
      isSensitive,
      paths,
      maxDepth: options.maxDepth ?? 10,
      maxEntries: options.maxEntries ?? 10_000,
      mask: mask.over('key'),
      redactText: (text) => redact(text, sink),
      looksIntoBytes,
    });

  const redactor: Redactor = {
    add(value, ref) {
      checkEntry(value, ref);
      forgetDue();
      if (known.add(value, ref) || warnings.length >= MOST_WARNINGS) return;
      if (warnings.some((warning) => warning.ref === ref)) return;
      const warning: RedactorWarning = {
        code: 'too-short',
        ref,
        message: `The value of ${ref} has fewer than 4 characters and is not masked. Store a longer one.`,
      };
      warnings.push(warning);
      if (onWarning !== undefined) quietly(() => onWarning(warning));
    },
    retire(value, ref) {
      checkEntry(value, ref);
      known.retire(value, ref, clock.monotonicMs() + keepRetiredMs);
    },
    redact,
    redactObject: (value, sink) => walk(sink, false).copy(value),
    redactStream: ({ sink, idleMs = 50 } = {}) => redactStream(hold(sink), clock, idleMs),
    during(values, run) {
      return scopes.run(scopes.open({ values: () => values, stamp: () => undefined }), run);
    },
    warnings,
  };
  exposeInside(redactor, {
    clock,
    hold,
    find: (text) => search.find(text),
    isEmpty: () => known.index.size === 0,
    isSensitive,
    scopes,
    outward: (shapes) => (shapes ? shapedOutward : knownOutward),
    maskedOrSame(value, sink) {
      const walked = walk(sink, true);
      const copy = walked.copy(value);
      return walked.masked ? copy : value;
    },
  });
  return redactor;
}

const OPTIONS = [
  'keepRetired',
  'showRef',
  'shapes',
  'moreShapes',
  'keys',
  'paths',
  'maxDepth',
  'maxEntries',
  'onHit',
  'onWarning',
  'clock',
];

function checkOptions(options: RedactorOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown === undefined) return;
  throw new SecretsError('invalid-config', {
    problem: `The setting ${unknown} is not known.`,
    remedy: `createRedactor takes ${OPTIONS.join(', ')}.`,
  });
}

/** The references under which what was found is live, each once. */
function liveRefs(spans: readonly Span[]): Set<string> {
  const live = new Set<string>();
  for (const { piece } of spans) {
    for (const { refs } of piece?.owners.keys() ?? []) {
      for (const [ref, forgetAtMs] of refs) if (forgetAtMs === Number.POSITIVE_INFINITY) live.add(ref);
    }
  }
  return live;
}

/** Calls a listener. What it throws must not stop the log line that it is told about. */
function quietly(call: () => void): void {
  try {
    call();
  } catch {
    // Nowhere to report to: the listener is the report.
  }
}

function checkEntry(value: unknown, ref: unknown): void {
  if (typeof ref !== 'string' || ref === '') {
    throw new SecretsError('invalid-ref', {
      problem: 'A value was given to the redactor without a reference.',
      remedy: 'Pass the reference as the second argument of add and retire.',
    });
  }
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new SecretsError('invalid-value', {
      ref,
      problem: 'The value given to the redactor is neither text nor bytes.',
      remedy: 'Pass a string or a Uint8Array; parts of structured values one by one.',
    });
  }
}
