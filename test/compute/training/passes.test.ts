import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EncodedPrompt } from '../../../src/compute/models/family.ts';
import { inPasses, tokensOf, type Pass, type PassLimit } from '../../../src/compute/training/passes.ts';

/** A response is a list of its own id, as often as it has tokens. */
type Response = readonly number[];

const SAMPLES = 5;
const lengthOf = (response: Response): number => response.length;
const bucket = (length: number): number => Math.max(16, 16 * Math.ceil(length / 16));
const group = fc.record({
  prompt: fc.integer({ min: 1, max: 100 }),
  responses: fc.array(fc.integer({ min: 1, max: 70 }), { minLength: SAMPLES, maxLength: SAMPLES }),
});
const groups = fc.array(group, { minLength: 1, maxLength: 20 }).map((list) =>
  list.map(({ prompt, responses }, q) => ({
    prompt: { ids: Array.from({ length: prompt }, () => q) } as unknown as EncodedPrompt,
    responses: responses.map((length, g): Response => Array.from({ length }, () => SAMPLES * q + g)),
  })),
);
const passesOf = (list: Parameters<typeof inPasses<Response>>[0], limit: PassLimit) =>
  inPasses(list, limit, lengthOf, []);
const responsesOf = (passes: readonly Pass<Response>[]) =>
  passes.flatMap((pass) => pass.groups.flatMap((each) => each.responses));

function checkWhole(list: Parameters<typeof inPasses<Response>>[0], passes: readonly Pass<Response>[]): void {
  const ids = responsesOf(passes).flatMap((response) => response.slice(0, 1));
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: SAMPLES * list.length }, (_, id) => id));
  for (const { groups: held, members, promptLength, responseLength } of passes) {
    members.forEach(({ at, from }, i) => {
      const source = list[at]!.responses.slice(from, from + held[i]!.responses.length);
      expect(held[i]!.prompt).toBe(list[at]!.prompt);
      expect(held[i]!.responses.slice(0, source.length)).toEqual(source);
    });
    expect(promptLength).toBe(bucket(Math.max(...held.map(({ prompt }) => prompt.ids.length))));
    expect(responseLength).toBe(bucket(Math.max(...held.flatMap(({ responses }) => responses.map(lengthOf)))));
  }
}

it('by groups: has every group in exactly one pass, the shorter before the longer, and fills the last pass up', () => {
  fc.assert(
    fc.property(groups, fc.integer({ min: 1, max: 6 }), (list, size) => {
      const passes = passesOf(list, { groups: size });
      checkWhole(list, passes);
      expect(passes.every((pass) => pass.groups.length === size)).toBe(true);
      expect(passes.slice(0, -1).every(({ members }) => members.length === size)).toBe(true);
      const longest = passes.flatMap(({ members }) =>
        members.map(({ at }) => Math.max(...list[at]!.responses.map(lengthOf))),
      );
      expect(longest).toEqual(longest.toSorted((a, b) => a - b));
    }),
  );
});

it('by tokens: has every response in exactly one pass within the budget, a lone response apart, and few shapes', () => {
  fc.assert(
    fc.property(groups, fc.integer({ min: 1, max: 2_000 }), (list, tokens) => {
      const passes = passesOf(list, { tokens });
      checkWhole(list, passes);
      for (const pass of passes) {
        const { length } = pass.groups;
        expect(Math.log2(length) % 1).toBe(0);
        expect(new Set(pass.groups.map(({ responses }) => responses.length)).size).toBe(1);
        const isLone = length === 1 && pass.groups[0]!.responses.length === 1;
        expect(isLone || tokensOf(pass) <= tokens).toBe(true);
      }
      expect(passesOf(list, { tokens })).toEqual(passes);
    }),
  );
});

it('by tokens: splits a group that exceeds the budget alone, in parts of one size, and lets short ones share', () => {
  const [short, long] = [4, 40].map((length) => ({
    prompt: { ids: [1] } as unknown as EncodedPrompt,
    responses: Array.from({ length: SAMPLES }, (): Response => Array.from({ length }, () => 1)),
  }));
  const shapes = passesOf([long!, short!, short!], { tokens: 200 }).map((pass) => [
    pass.groups.map(({ responses }) => responses.filter((response) => response.length > 0).length),
    pass.responseLength,
    tokensOf(pass),
  ]);
  expect(shapes).toEqual([
    [[5, 5], 16, 192],
    [[3], 48, 160],
    [[2], 48, 160],
  ]);
});
