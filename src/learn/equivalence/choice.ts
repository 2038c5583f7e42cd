/** The letter of an option, alone or with the option's text. */
import type { Read } from './relation.ts';
import type { Value } from './value.ts';

const LEAD =
  /^(?:(?:the\s+|my\s+)?(?:(?:best|correct|right|final)\s+)?(?:option|choice|answer)(?:\s+(?:is|would be|must be))?\s*:?\s*|i\s+(?:would\s+)?(?:choose|pick|select)\s+)(?:option\s+|choice\s+)?/i;
const VERDICT =
  /(?<=^(?:(?:option|choice)\s+)?\(?[A-J]\)?)\s+is\s+(?:the\s+)?(?:correct|right|true|best)(?:\s+(?:answer|option|choice|one))?$/i;
/** `B, because it is longer`. */
const REASON = /(?<=(?:^|\s)\(?[A-J]\)?),?\s+(?:because|since|as)\s+[a-z].*$/s;
const LONE = /^(?:\(\s*([A-Za-z])\s*\)|\[([A-J])\]|([A-J])[.:)]?)$/i;
/**
 * Text after a hyphen or in brackets after a letter: words, or a number with a unit. `A - 3` is a difference, `F (x)` a
 * function's value.
 */
const NAMED = String.raw`(?!(?:sin|cos|tan|log|ln|pi|sqrt|exp)\b)(?:[A-Za-z][a-z]+|\$?\d[\d.,]*\s*(?:[A-Za-z]{2,}|[°%]))`;
const DASHED = new RegExp(String.raw`^(?:(?:option|choice|answer)\s+)?\(?([A-J])\)?\s+-+\s+(${NAMED}.*)$`, 's');
const BRACKETED = new RegExp(
  String.raw`^(?:(?:option|choice|answer)\s+)?([A-J])\s+\(((?:${NAMED}|-?\d|\\)[^()]*)\)$`,
  's',
);
const LABELLED =
  /^(?:(?:option|choice|answer)\s+)?(?:\(([A-Ja-j])\)\s*|([A-J])(?:[.:)]\s+|[.:)](?=[^\d\s])|:\s*|\)\s*|\.(?=\d)|\s+(?=\d))\s*)(.+)$/is;

/** `A`, `(A)`, `A.`, `Option A`, `B is correct`, `A: 45`, `(B) 45`, `B. 45`, `A - blue`, `B (12 cm)`. */
export function readChoice(typed: string, depth: number, read: Read): Value | null {
  const text = typed.replace(VERDICT, '').replace(REASON, '');
  const stated = text.replace(LEAD, '');
  const lone = LONE.exec(stated);
  const letter = lone?.[1] ?? lone?.[2] ?? lone?.[3];
  if (letter && (/[A-J]/.test(letter) || stated.length > 1 || stated !== typed))
    return { type: 'choice', letter: letter.toUpperCase(), rest: null };
  const [, dashed, after = ''] = DASHED.exec(text) ?? BRACKETED.exec(text) ?? [];
  if (dashed !== undefined && !/\d\s*,\s*-?\d/.test(after))
    return { type: 'choice', letter: dashed, rest: read(after, depth + 1) };
  const labelled = LABELLED.exec(text);
  const mark = labelled?.[1] ?? labelled?.[2];
  const rest = labelled?.[3];
  if (!mark || !rest || (labelled?.[2] && !/[A-J]/.test(mark)) || /^(?:[+\-*/^=]|and\b|or\b)/.test(rest)) return null;
  // `(a)(b)` and `(x) y` are products, unless a word or a number follows the letter.
  if (labelled?.[1] && !/^(?:[\d$\\-]|[A-Za-z]{2}|[A-Z]$)/.test(rest)) return null;
  return { type: 'choice', letter: mark.toUpperCase(), rest: read(rest, depth + 1) };
}
