/** So many answers in a row, from however many nodes, say that the index is of no state that this store will reach. */
const MOST_BEHIND = 12;

/** Opaque to a client, and a header of the next request: nothing but one short word is kept. */
const WORD = /^[\x21-\x7e]{1,1024}$/;

/**
 * Remembers how far the store was when it last answered, so that no node that is behind answers with an older state.
 *
 * A node that is asked with an index it has not reached passes the request on to the active node, or refuses it
 * (412, or 429 without words). Without this, a failover to a lagging node would bring back the password before the last
 * rotation, and a new login might be unknown there.
 *
 * It is forgotten where it would cost more than it saves: when there is no active node to pass a request on to, as
 * between a crash and an election, when a state some hundredth of a second old is better than none; and when no node
 * reaches it, because the store was restored to an earlier state.
 */
export class ReplicationIndex {
  #index: string | undefined;
  #behind = 0;

  /** What a request is sent with; undefined before the first answer that names one. */
  headers(): Readonly<Record<string, string>> | undefined {
    if (this.#index === undefined) return undefined;
    return { 'X-Vault-Index': this.#index, 'X-Vault-Inconsistent': 'forward-active-node' };
  }

  /** A node answered; `index` is how far it says that it is. */
  answered(index: string | undefined): void {
    this.#behind = 0;
    if (index !== undefined && WORD.test(index)) this.#index = index;
  }

  /** A node refused to answer because it has not reached the index. */
  refused(): void {
    this.#behind += 1;
    if (this.#behind >= MOST_BEHIND) this.forget();
  }

  /** It is of no use any more: the next node is asked for what it has. */
  forget(): void {
    this.#behind = 0;
    this.#index = undefined;
  }
}
