/** Pairs of answers of a fixture, each with whether they are equal. */
import { readFileSync } from 'node:fs';

export interface Pair {
  readonly a: string;
  readonly b: string;
  readonly equal: boolean;
  readonly kind: string;
}

/** @param name in test/fixtures/answers */
export function pairsOf(name: string): readonly Pair[] {
  return readFileSync(new URL(`../../fixtures/answers/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Pair);
}
