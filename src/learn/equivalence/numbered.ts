/**
 * Words with a number at their end: `room 5`, `Apollo 11`, `spring 2019`, `the 1990s`, `World War II`. A name, not a
 * measure.
 */
import { roman } from './roman.ts';
import type { Value } from './value.ts';
import { foldWords } from './words.ts';

const NUMBERED = /^((?:\p{L}{2,}[\s-]+)*\p{L}{3,})[\s-]+(?:(\d{1,4})|(I|[IVX]{2,6}))$/u;
/** Words that take the number as an argument or describe it. */
const TAKES =
  /(?:^|\s)(?:a?(?:rc)?(?:sin|cos|tan|cot|sec|csc)h?|log|exp|mod|gcd|lcm|max|min|lim|det|root|sqrt|abs|plus|minus|times|over|by|negative|positive|per|and|or|to|is|of|than|least|most|about|angle|pi|theta|alpha|beta)$/i;
/** `USD 5`. */
const CURRENCY = /^[A-Z]{3}$/;
const DECADE = /^(?:the\s+)?((?:1\d|20)\d0)'?s$/i;

export function readNumbered(text: string): Value | null {
  const decade = DECADE.exec(text)?.[1];
  if (decade !== undefined) return { type: 'words', text: `${decade}s` };
  const [, name, digits, numeral = ''] = NUMBERED.exec(text) ?? [];
  if (name === undefined || TAKES.test(name) || CURRENCY.test(name)) return null;
  const number = digits ?? (numeral === 'I' ? 1 : roman(numeral));
  return number === null ? null : { type: 'words', text: `${foldWords(name)} ${Number(number)}` };
}
