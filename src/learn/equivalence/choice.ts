/** The letter of an option, alone or with the option's text. */
import type { Read } from './relation.ts';
import type { Value } from './value.ts';

/** `A`, `(A)`, `A.`, `Option A`, `A: 45`, `(B) 45`, `B. 45`. */
export function readChoice(text: string, depth: number, read: Read): Value | null {
  const lone = /^(?:(?:the\s+)?(?:correct\s+)?(?:option|choice|answer)(?:\s+is)?\s*:?\s*)?(?:\(\s*([A-Za-z])\s*\)|\[([A-J])\]|([A-J])[.:)]?)$/i.exec(
    text,
  );
  const letter = lone?.[1] ?? lone?.[2] ?? lone?.[3];
  if (letter && (/[A-J]/.test(letter) || text.length > 1)) return { type: 'choice', letter: letter.toUpperCase(), rest: null };
  const labelled =
    /^(?:(?:option|choice|answer)\s+)?(?:\(([A-Ja-j])\)\s*|([A-J])(?:[.:)]\s+|[.:)](?=[^\d\s])|:\s*|\)\s*|\.(?=\d)|\s+(?=\d))\s*)(.+)$/is.exec(text);
  const mark = labelled?.[1] ?? labelled?.[2];
  const rest = labelled?.[3];
  if (!mark || !rest || (labelled?.[2] && !/[A-J]/.test(mark)) || /^(?:[+\-*/^=]|and\b|or\b)/.test(rest)) return null;
  // `(a)(b)` and `(x) y` are products, unless a word or a number follows the letter.
  if (labelled?.[1] && !/^(?:[\d$\\-]|[A-Za-z]{2}|[A-Z]$)/.test(rest)) return null;
  return { type: 'choice', letter: mark.toUpperCase(), rest: read(rest, depth + 1) };
}
