/** `p \land q`, `A \cap B`: letters joined by one operator, in any order. */
import { splitTop } from './split.ts';
import type { Value } from './value.ts';

export function readLogic(text: string): Value | null {
  const { parts, separators } = splitTop(text, /\\(?:land|wedge|lor|vee|cap)(?![a-z])/g) ?? {};
  const [operator = ''] = separators ?? [];
  if (
    !parts?.every((part) => /^(?:(?:\\(?:neg|lnot)(?![a-z])|~|!)\s*)?[A-Za-z]'?$/.test(part)) ||
    separators?.some((other) => other !== operator)
  )
    return null;
  const kind = /lor|vee/.test(operator) ? 'or' : 'and';
  return {
    type: 'written',
    text: `${kind} ${parts
      .map((part) => part.replace(/\\(?:neg|lnot)\s*|[~!]/, '~'))
      .sort()
      .join(' ')}`,
  };
}

/** `A > B > C` is `C < B < A`. */
export function readChain(parts: readonly string[], operators: readonly string[]): Value | null {
  const falling = operators.every((operator) => operator === '>' || operator === '\\ge');
  if (!falling && !operators.every((operator) => operator === '<' || operator === '\\le')) return null;
  const signs = operators.map((operator) => (operator.startsWith('\\') ? '<=' : '<'));
  const [names, between] = falling ? [parts.toReversed(), signs.toReversed()] : [parts, signs];
  return { type: 'written', text: names.map((name, i) => name.replace(/\s/g, '') + (between[i] ?? '')).join('') };
}
