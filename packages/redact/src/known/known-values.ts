import { type KnownValue, type Literal, type Piece, WHOLE } from './literal.js';
import { LiteralIndex } from './literal-index.js';
import { literalsOf, type PiecePlan, plaintext, planPieces, SHORTEST_VALUE } from './pieces.js';

/** Live and retired plaintexts, and the literals by which they are found. It is told what time it is. */
export class KnownValues {
  readonly #values = new Map<string, KnownValue>();
  readonly #pieces = new Map<string, { readonly piece: Piece; readonly literals: readonly Literal[] }>();
  readonly index = new LiteralIndex();
  /** In the order in which they are due, because all are kept for the same time. */
  #retired: { readonly value: KnownValue; readonly ref: string; readonly forgetAtMs: number }[] = [];

  /** Whether a retired value waits to be forgotten. */
  get forgetting(): boolean {
    return this.#retired.length > 0;
  }

  /** Registers `value` as live under `ref`; false when it is too short to be looked for. */
  add(value: string | Uint8Array, ref: string): boolean {
    const plain = plaintext(value);
    if (plain.length < SHORTEST_VALUE) return false;
    const key = keyOf(plain);
    let known = this.#values.get(key);
    if (known === undefined) {
      known = this.#open(key, plain);
      this.#values.set(key, known);
    }
    if (known.refs.get(ref) !== Number.POSITIVE_INFINITY) setRef(known, ref, Number.POSITIVE_INFINITY);
    return true;
  }

  /** Lets `value` go from `ref` at `forgetAtMs`; does nothing when it is not live under it. */
  retire(value: string | Uint8Array, ref: string, forgetAtMs: number): void {
    const known = this.#values.get(keyOf(plaintext(value)));
    if (known?.refs.get(ref) !== Number.POSITIVE_INFINITY) return;
    setRef(known, ref, forgetAtMs);
    this.#retired.push({ value: known, ref, forgetAtMs });
  }

  /** Forgets what was due at `nowMs` or before. */
  forgetDue(nowMs: number): void {
    const kept = this.#retired.findIndex(({ forgetAtMs }) => forgetAtMs > nowMs);
    const due = kept === -1 ? this.#retired : this.#retired.slice(0, kept);
    if (due.length === 0) return;
    this.#retired = this.#retired.slice(due.length);
    for (const { value, ref, forgetAtMs } of due) {
      // It may have become live again meanwhile.
      if (value.refs.get(ref) !== forgetAtMs) continue;
      setRef(value, ref, undefined);
      if (value.refs.size === 0) this.#close(value);
    }
  }

  #open(key: string, plain: string | Uint8Array): KnownValue {
    const pieces: Piece[] = [];
    const known: KnownValue = { key, refs: new Map(), pieces };
    for (const plan of planPieces(plain)) {
      const piece = this.#piece(plan);
      const lines = piece.owners.get(known) ?? new Set();
      piece.owners.set(known, lines.add(plan.line));
      piece.isLine ||= plan.line !== WHOLE;
      pieces.push(piece);
    }
    return known;
  }

  #piece(plan: PiecePlan): Piece {
    const key = `${plan.weak ? 'w' : ''}${plan.binary ? 'b' : ''}${plan.acrossLines ? 'a' : ''}:${plan.text}`;
    const shared = this.#pieces.get(key);
    if (shared !== undefined) return shared.piece;
    const piece: Piece = { key, weak: plan.weak, owners: new Map(), isLine: false, ref: undefined };
    const literals = [...literalsOf(piece, plan)];
    for (const literal of literals) this.index.add(literal);
    this.#pieces.set(key, { piece, literals });
    return piece;
  }

  #close(known: KnownValue): void {
    this.#values.delete(known.key);
    for (const piece of known.pieces) {
      piece.owners.delete(known);
      piece.ref = undefined;
      if (piece.owners.size > 0) continue;
      for (const literal of this.#pieces.get(piece.key)?.literals ?? []) this.index.remove(literal);
      this.#pieces.delete(piece.key);
    }
  }
}

/** Changes when `ref` is to be forgotten; absent: now. */
function setRef(known: KnownValue, ref: string, forgetAtMs: number | undefined): void {
  if (forgetAtMs === undefined) known.refs.delete(ref);
  else known.refs.set(ref, forgetAtMs);
  for (const piece of known.pieces) piece.ref = undefined;
}

function keyOf(plain: string | Uint8Array): string {
  return typeof plain === 'string' ? `text:${plain}` : `bytes:${Buffer.from(plain).toString('latin1')}`;
}
