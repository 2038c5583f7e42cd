/** Suffixes of money: `$1.2M`. */
const SHORT: Readonly<Record<string, string>> = { k: '10^{3}', m: '10^{6}', b: '10^{9}', t: '10^{12}' };

/** What people say around an answer. */

import { directionOf } from './direction.ts';
import { withoutQuadrants } from './roman.ts';

const POWERS = new Map<string, string>(
  Object.entries({ dozen: '12', thousand: '10^{3}', million: '10^{6}', billion: '10^{9}', trillion: '10^{12}' }),
);

/** Phrases around an answer: `the answer is 5`, `about 5`, `5 (approx.)`, `Yes, it is`. */
const PLACES = String.raw`(?:d\.?\s?p|s\.?\s?f|sig\.?\s?figs?|decimals?|decimal (?:places?|digits?|points?)|significant (?:figures?|digits?)|places?)\b\.?`;
/** How an answer was rounded is not part of it: `5 (rounded to the nearest integer)`, `5.3 (1 d.p.)`. */
const ROUNDED_ASIDE = new RegExp(
  String.raw`\s*\((?:(?:it is |when )?(?:approx|round|nearest|to the nearest|to the closest|correct(?:ed)? to|accurate|estimat|exact|simplified|in simplest)[^()]*|(?:to |with )?[a-z\d]+ ?${PLACES})\)$`,
  'i',
);
const ROUNDED = new RegExp(
  String.raw`(?<=\S),?\s+(?:when\s+)?(?:(?:rounded|correct(?:ed)?|accurate)\s+(?:off\s+|up\s+|down\s+)?to\b.*|to the nearest\b.*|to [a-z\d]+ ?${PLACES}|in (?:its )?(?:simplest|lowest|simplified) (?:form|terms))$`,
  'i',
);

export function withoutPhrases(text: string): string {
  return withoutQuadrants(text)
    .replace(
      /^(?:it|this|that|he|she|they|these|those|there)(?:'s|'re|\s+(?:is|are|was|were))\s+(?!not\b|n't)(?=[\p{L}\d$\\-])/iu,
      '',
    )
    .replace(/(?<=^|[\s,])([A-J])\s*&\s*(?=[A-J]\b)|(?<=^[\p{L} ]+) & (?=[\p{L} ]+$)/gu, '$1 and ')
    .replace(
      /^(?:both\s+)?(?:options?|choices?|answers?|statements?)\s+(?=[A-J](?:\s*(?:,|and|,\s*and)\s*[A-J])+$)/i,
      '',
    )
    .replace(
      /^(A|B|AB|O|C|D)\s+(?:(plus|positive)|minus|negative)$/,
      (_, name: string, plus?: string) => name + (plus ? '+' : '-'),
    )
    .replace(
      /^(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:final\s+|correct\s+)?answer\s*(?:is|=|:)\s*:?\s*/i,
      '',
    )
    .replace(
      /^[a-z][a-z ']{0,60}?\s+(?:is|are|was|were|has|have|had|will be|equals?|is equal to)\s+(?=[-$\d\\(])/i,
      directionOf,
    )
    .replace(/^(?:an?|the)\s+[a-z]+\s+of\s+(?=[-$\d\\])/i, directionOf)
    .replace(/(?<=\d)\s*(?:\.{3}|\\[lc]?dots)$/, '')
    .replace(/^(?:minus|negative)\s+(?=[\d\\$])/i, '-')
    .replace(/^both\s+(?=\S+\s+and\s)/i, '')
    .replace(/^(?:bar|line|point|figure|graph|curve|group|box)\s+(?=[A-Z]$)/i, '')
    .replace(/^(\d+)\s+(?:in|out of)\s+(\d+)$/i, '$1/$2')
    .replace(/^(\d+)\s*(?:\s+r|R|,?\s*rem(?:ainder)?\.?)\s*(\d+)$/, '$1 remainder $2')
    .replace(/(?<=\b(?:year|month|week|day)s?)[ -]old$/i, '')
    .replace(/^(?:approximately|approx\.?|about|around|roughly)\s+(?=\S)/i, '')
    .replace(/^positive\s+(?=[\d\\$])/i, '')
    .replace(ROUNDED_ASIDE, '')
    .replace(ROUNDED, '')
    .replace(/^(?:an?\s+)?infinite(?:ly many)?(?:\s+(?:number(?:\s+of)?|solutions?|many))*$/i, '\\infty')
    .replace(/\s+only$/i, '')
    .replace(/^(yes|no|true|false)\s*[,.:;]\s+(?=[A-Za-z]).*$/i, '$1')
    .replace(/^(?:(?:in|at|on|the|year)\s+){1,3}(?=\d)/i, '')
    .replace(
      /(?<=\d)\s*(dozen|thousand|million|billion|trillion)(?![a-z])/i,
      (_, name: string) => `\\times ${POWERS.get(name.toLowerCase())}`,
    )
    .replace(
      /^([+-]?\s*\p{Sc}\s*[\d.,]+)\s*(k|m|mn|mm|bn?|tn?)$/iu,
      (_, amount: string, name: string) => `${amount} \\times ${SHORT[name[0]?.toLowerCase() ?? '']}`,
    )
    .replace(
      /^([£$])\s*(\d+)\s*(?:,|and)?\s+(\d{1,2})\s*(?:p|pence|cents?|c)$/,
      (_, sign: string, whole: string, part: string) => `${sign}${whole}.${part.padStart(2, '0')}`,
    )
    .replace(/^([+-]?\d[\d.,]*)\s*(?:‰|per\s?mille?|permille)$/i, '\\frac{$1}{1000}')
    .replace(/^([+-]?\d[\d.,]*)\s*(?:‱|bps|basis points?)$/i, '\\frac{$1}{10000}')
    .replace(/^(\d+)(?:st|nd|rd|th)$/, '$1');
}
