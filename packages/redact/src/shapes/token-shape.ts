/**
 * How the tokens of one vendor look.
 *
 * `example` and `counterExample` are formats, not tokens, so that no scanner takes this package for a leak:
 * `<base62:36>` stands for 36 random characters of that alphabet. The tests make tokens of them.
 */
export interface TokenShape {
  /** Names the shape in masks and reports, for example `github-token`. */
  readonly id: string;
  /** What every such token contains literally, three ASCII characters or more; it stays readable. */
  readonly prefix: string;
  /**
   * What follows the prefix, as the source of a regular expression that matches in linear time. What contains a
   * line end or is longer than 16,384 characters is no match.
   */
  readonly pattern: string;
  /** What precedes the prefix within the token, at most 80 characters; the whole token is masked then. */
  readonly before?: string;
  readonly example: string;
  /** Something that looks alike and is none. */
  readonly counterExample: string;
}

/** No shape reaches further, in characters: what a stream may have to hold back of one line. */
export const LONGEST_SHAPE = 16_384;
/** How far a shape looks back from what it was noticed by. */
export const LONGEST_LOOK_BACK = 80;
