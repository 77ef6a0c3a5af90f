import { SecretsError } from '../../errors/secrets-error.js';

/** A way to write a canary, and its name for a report. */
export interface CanaryForm {
  readonly name: string;
  readonly text: string;
}

/** Shorter ones stand in texts by chance. */
const SHORTEST = 6;

/**
 * Every form in which a value usually gets out: as it is, escaped for JSON or a URL, as hex, as base64 in any
 * position of a longer text (three alignments: `user:secret` in a Basic header), and as the numbers of its bytes.
 *
 * @throws SecretsError `invalid-config` for a canary of fewer than 6 characters
 */
export function canaryForms(canary: string): CanaryForm[] {
  if (typeof canary !== 'string' || canary.length < SHORTEST) {
    throw new SecretsError('invalid-config', {
      problem: `A canary has fewer than ${SHORTEST} characters, and would be found everywhere.`,
      remedy: 'Put a longer value into the store, one that stands nowhere else.',
    });
  }
  const bytes = Buffer.from(canary);
  const hex = bytes.toString('hex');
  const forms: CanaryForm[] = [
    { name: 'plain', text: canary },
    { name: 'JSON-escaped', text: JSON.stringify(canary).slice(1, -1) },
    { name: 'URL-encoded', text: encodeURIComponent(canary) },
    { name: 'form-encoded', text: new URLSearchParams([['', canary]]).toString().slice(1) },
    { name: 'hex', text: hex },
    { name: 'hex', text: hex.toUpperCase() },
    { name: 'hex with spaces', text: hex.replaceAll(/(..)(?!$)/g, '$1 ') },
    { name: 'bytes in decimal', text: [...bytes].join() },
    ...[0, 1, 2].flatMap((shift) => base64At(bytes, shift)),
  ];
  return forms.filter(({ text }, place) => forms.findIndex((form) => form.text === text) === place);
}

/** What of the base64 text is the same whatever stands before (`shift` bytes, modulo 3) and after. */
function base64At(bytes: Buffer, shift: number): CanaryForm[] {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  const start = Math.ceil((shift * 8) / 6);
  const end = Math.floor(((shift + bytes.length) * 8) / 6);
  const inner = text.slice(start, end);
  return [
    { name: 'base64', text: inner },
    { name: 'base64url', text: inner.replaceAll('+', '-').replaceAll('/', '_') },
  ];
}

/** The name of the form in which one of the canaries stands in `text`; undefined when none does. */
export function formIn(text: string, forms: readonly CanaryForm[]): string | undefined {
  const compact = text.replaceAll(/,\s+/g, ',');
  return forms.find((form) => text.includes(form.text) || compact.includes(form.text))?.name;
}

/** `text` with every form of every canary taken out: fit for a message. */
export function withoutCanaries(text: string, forms: readonly CanaryForm[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form.text, '‹canary›'), text);
}
