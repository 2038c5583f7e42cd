import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { equivalent } from '../../../src/learn/equivalence/index.ts';

/** Rows of the tables in docs/concepts.md whose columns are headed `equal` and `different`. */
const text = readFileSync(new URL('../../../docs/concepts.md', import.meta.url), 'utf8');
const tables = text.split(/\n\n+/).filter((block) => /^\|[^|\n]*\| equal \| different \|/.test(block));
const rows = tables.flatMap((table) =>
  table
    .split('\n')
    .slice(2)
    .map((line) => line.split('|').slice(1, -1))
    .map(([name = '', equal = '', different = '']) => ({ name: name.trim(), equal, different })),
);
const chains = (cell: string, joint: string): string[][] =>
  [...cell.matchAll(new RegExp(`\`[^\`]+\`(?:${joint}\`[^\`]+\`)+`, 'g'))].map(([chain]) =>
    [...chain.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );

describe('what docs/concepts.md says of equal answers', () => {
  it('has classes of answers with examples', () => {
    expect(rows.length).toBeGreaterThanOrEqual(14);
    for (const { equal, different } of rows)
      expect([chains(equal, ' = ').length > 0, chains(different, ' and ').length > 0]).toEqual([true, true]);
  });

  it.each(rows)('$name', ({ equal, different }) => {
    for (const [first = '', ...others] of chains(equal, ' = '))
      for (const other of others) expect([first, other, equivalent(first, other)]).toEqual([first, other, true]);
    for (const [a = '', b = ''] of chains(different, ' and ')) expect([a, b, equivalent(a, b)]).toEqual([a, b, false]);
  });
});
