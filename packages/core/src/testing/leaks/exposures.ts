import { format, inspect } from 'node:util';

/** One way in which a thing gets printed, and what it then shows. */
export interface Exposure {
  readonly way: string;
  readonly text: string;
}

const EVERYTHING = {
  depth: Number.POSITIVE_INFINITY,
  showHidden: true,
  getters: true,
  maxArrayLength: null,
  maxStringLength: null,
  breakLength: Number.POSITIVE_INFINITY,
} as const;

const WAYS: readonly (readonly [way: string, print: (thing: unknown) => string | undefined])[] = [
  ['util.inspect', (thing) => inspect(thing, EVERYTHING)],
  [
    'util.inspect without its own inspect',
    (thing) => inspect(thing, { ...EVERYTHING, customInspect: false }),
  ],
  ['util.format', (thing) => format('%s %o', thing, thing)],
  ['JSON.stringify', (thing) => JSON.stringify(thing)],
  ['String', (thing) => (typeof thing === 'function' ? undefined : String(thing))],
  ['valueOf', (thing) => (isObject(thing) ? inspect(thing.valueOf(), EVERYTHING) : undefined)],
  ['spread', (thing) => (isObject(thing) ? inspect({ ...thing }, EVERYTHING) : undefined)],
  ['structuredClone', (thing) => inspect(structuredClone(thing), EVERYTHING)],
  ['the stack', (thing) => (thing instanceof Error ? `${thing.message}\n${thing.stack}` : undefined)],
];

/**
 * What `thing` shows in every way in which loggers, debuggers, crash reports and serializers print: inspected to
 * any depth with hidden members, as JSON, as text, spread, cloned, as a stack.
 */
export function* exposuresOf(thing: unknown): Iterable<Exposure> {
  for (const [way, print] of WAYS) {
    let text: string | undefined;
    try {
      text = print(thing);
    } catch {
      // What cannot be printed this way shows nothing this way.
    }
    if (text !== undefined) yield { way, text };
  }
}

function isObject(thing: unknown): thing is object {
  return typeof thing === 'object' && thing !== null;
}
