/** A text that somebody pasted goes in, the telephone numbers written in it come out, as they are written. */

const WHOLE = 7; // digits of what is a number by itself, where spaces stand between numbers or within one

/**
 * The numbers of a text: one a line, or with commas, semicolons or tabs between them. A space may part two numbers or stand
 * within one: a `+` begins a new one, and so does every piece when all are long enough. Beginnings of numbers are short,
 * so with `prefix` every space parts.
 */
export function pasted(text, { prefix = false } = {}) {
  const pieces = text.replace(/\u00a0/g, " ").split(/[\n\r,;\t]+/).flatMap((line) => line.trim().split(/\s+(?=\+)/));
  const parts = pieces.flatMap((piece) => {
    const words = piece.split(/\s+/).filter(Boolean);
    const apart = words.length > 1 && (prefix || words.every((word) => digits(word).length >= WHOLE));
    return apart ? words : [piece.trim()];
  });
  return [...new Set(parts.filter((part) => part !== ""))];
}

/** A number as records hold it when it is written whole: nothing but digits, no international prefix. */
export const digits = (number) => number.replace(/^\s*(?:(?:sips?|tel):)?\s*(?:\+|00)?/i, "").replace(/@.*$/, "").replace(/\D/g, "");

/** What of a text has no digits: callers who show a name, or none at all; or a slip. */
export const names = (numbers) => numbers.filter((number) => !digits(number));
