/** What may be written as a reaction: one grapheme that people can see. What another device let through is shown all the same. */
import { utf8 } from "../../core/base/bytes.ts";
import { EngineError } from "../../core/base/errors.ts";
import { isWellFormed } from "../../core/inbox/address.ts";
import { EMOJI_BYTES_MAX } from "../../core/inbox/types.ts";

/** Its language does not matter for graphemes. */
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
/** What nobody sees: white space, controls, what only formats. A joiner within an emoji stands beside what is seen. */
const UNSEEN = /^[\s\p{C}\p{Z}\p{M}]*$/u;

/**
 * The emoji in its composed form.
 *
 * @throws EngineError `REACTION_INVALID`
 */
export function readReactionText(given: string): string {
  const emoji = given.normalize("NFC").trim();
  const graphemes = segmenter.segment(emoji.slice(0, EMOJI_BYTES_MAX + 1))[Symbol.iterator]();
  const isOne = graphemes.next().done === false && graphemes.next().done === true;
  if (!isOne || UNSEEN.test(emoji) || !isWellFormed(emoji) || utf8(emoji).length > EMOJI_BYTES_MAX) {
    throw new EngineError("REACTION_INVALID", "a reaction is one emoji or letter");
  }
  return emoji;
}
