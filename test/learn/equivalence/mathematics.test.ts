import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { equivalent, interpret, samePlain } from '../../../src/learn/equivalence/index.ts';

const text = readFileSync(new URL('../../fixtures/answers/mathematics.txt', import.meta.url), 'utf8');
const kinds = text.split(/^(?=\[[a-z ]+\] )/m).slice(1);

describe.each(kinds.map((lines) => [/^\[(.+?)\]/.exec(lines)?.[1] ?? '', lines]))('%s', (_, lines) => {
  const pairs = lines.split('\n').flatMap((line) => (/ ;; [=!]$/.test(line) ? [line.split(' ;; ')] : []));

  it.each(pairs)('%s | %s: %s', (a = '', b = '', sign) => {
    expect([equivalent(a, b), equivalent(b, a)]).toEqual([sign === '=', sign === '=']);
    expect([null, sign === '=']).toContain(samePlain(interpret(a), interpret(b)));
  });
});

it('sums inside one another end: what takes too much work equals only itself', () => {
  const sum = String.raw`\sum_{i=1}^{2000} \sum_{j=1}^{2000} \sum_{k=1}^{2000} \frac{1}{i+j+k}`;
  expect([equivalent(sum, '5'), equivalent(sum, sum)]).toEqual([false, true]);
});
