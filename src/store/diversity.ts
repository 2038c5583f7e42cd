/** Measures how much the questions of one origin differ, from a bounded number of their texts. */

/** Number of other texts that each text is compared with. */
const PARTNERS = 8;

export interface Diversity {
  /** Distinct texts / texts. */
  readonly distinct: number;
  /** Mean of 1 - Jaccard over the word pairs of two texts; null for fewer than two texts. */
  readonly distance: number | null;
}

/**
 * Each text is compared with 8 others at distances spread over half the list, so that every text and every distance
 * weighs the same; with all others when there are at most 17. Texts are in lower case.
 */
export function diversityOf(texts: readonly string[]): Diversity {
  const n = texts.length;
  if (n === 0) return { distinct: 0, distance: null };
  const pairs = texts.map(wordPairs);
  const half = Math.floor(n / 2);
  const shifts = new Set(
    Array.from({ length: Math.min(PARTNERS, half) }, (_, i) => Math.ceil(((i + 1) * half) / Math.min(PARTNERS, half))),
  );
  let sum = 0;
  let count = 0;
  for (const shift of shifts) {
    // Half way round, i and i + shift meet twice.
    const from = 2 * shift === n ? half : n;
    for (let i = 0; i < from; i++) sum += distance(pairs[i]!, pairs[(i + shift) % n]!);
    count += from;
  }
  return { distinct: new Set(texts).size / n, distance: count === 0 ? null : sum / count };
}

/** Pairs of neighbouring words; a single word stands for itself. */
function wordPairs(text: string): ReadonlySet<string> {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [text];
  return new Set(words.length === 1 ? words : words.slice(1).map((word, i) => `${words[i]} ${word}`));
}

function distance(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const pair of a) if (b.has(pair)) common += 1;
  return 1 - common / (a.size + b.size - common);
}
