/**
 * What looks like arithmetic and is not: ranges and scores (`20-30`, `3-1`, `2019-20`), dates with slashes, formulas (`CO2`), genotypes (`AaBb`). Each
 * is compared part by part: read as a difference or a product, `20-30` and `30-40` would be one vote.
 */
import type { Value } from './value.ts';

const NUMBER = String.raw`[$€£¥]?\s*\d+(?:,\d{3})*(?:\.\d+)?`;
/** A unit or a noun; not a name of mathematics, which makes it a difference (`3-2 pi`). */
const NOUN = String.raw`(?:\s*[%°]|\s*(?!(?:or|and|pi)\b|sqrt|sin|cos|tan|log|ln)[A-Za-z]{2,}\.?|\s+(?!(?:or|and|pi|[xyzei])\b)[A-Za-z]+)`;
const RANGE = new RegExp(String.raw`^(?:from\s+)?(${NUMBER})(${NOUN})?\s*-\s*(${NUMBER})(${NOUN})?$`, 'i');
const HYPHENS = /^\d+(?:-\d+){2,}$/;
const SLASHES = /^(\d{1,2})\/(\d{1,2})\/(\d{2}|\d{4})$/;
/** Reads normalised text. */
export function readStructured(text: string): Value | null {
  const range = RANGE.exec(text);
  if (range) return parts('range', plain(range[1]), plain(range[3]), noun(range[4] ?? range[2]));
  if (HYPHENS.test(text)) return parts('hyphens', text);
  const date = SLASHES.exec(text);
  if (date) return parts('date', ...date.slice(1).map((part) => String(Number(part))));
  return null;
}

/** Words of their own kind: they equal only what is read so too, part by part and in the same case. */
const parts = (kind: string, ...values: readonly string[]): Value => ({ type: 'words', text: `${kind}: ${values.filter(Boolean).join(' ')}` });

const plain = (number = ''): string => number.replace(/[\s,]/g, '');
const noun = (text = ''): string =>
  text
    .trim()
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/(?<=..)s$/, '');
