import { describe, expect, it } from 'vitest';
import { soundnessOf, unsoundShare } from '../../src/guardian/soundness.ts';

const right = '3,8,4 3+8=11 11+4=15 \\boxed{15}';
const wrongSum = '3,8,4 3+8=12 12+3=15 \\boxed{15}';
const elsewhere = '3,8,4 3+8=11 11+4=15 \\boxed{16}';
const stopsEarly = '3,8,4 3+8=11 \\boxed{11}';

describe('soundnessOf', () => {
  it('counts only the responses that agree with the majority', () => {
    expect(soundnessOf([right, right, stopsEarly], [0, 0, 1], 0)).toEqual({ checked: 2, unsound: 0 });
    expect(soundnessOf([right, right, stopsEarly], [0, 0, 1], 1)).toEqual({ checked: 1, unsound: 1 });
    expect(soundnessOf([right], [-1], -1)).toEqual({ checked: 0, unsound: 0 });
  });

  it('finds false equations, and answers that do not come from the work, though all responses agree', () => {
    expect(soundnessOf([right, wrongSum], [0, 0], 0)).toEqual({ checked: 2, unsound: 1 });
    expect(soundnessOf([elsewhere, elsewhere, elsewhere], [0, 0, 0], 0)).toEqual({ checked: 3, unsound: 3 });
  });

  it('finds work that leaves out what other responses do, but not what all leave out', () => {
    expect(soundnessOf([stopsEarly, stopsEarly, right], [0, 0, 1], 0)).toEqual({ checked: 2, unsound: 2 });
    expect(soundnessOf([stopsEarly, stopsEarly], [0, 0], 0)).toEqual({ checked: 2, unsound: 0 });
  });

  it('says nothing of a response without work', () => {
    expect(soundnessOf(['\\boxed{7}', '\\boxed{7}'], [0, 0], 0)).toEqual({ checked: 0, unsound: 0 });
  });
});

describe('unsoundShare', () => {
  it('is over all canaries, and unknown where little can be checked', () => {
    const of = (checked: number, unsound: number) => ({ checked, unsound });
    expect(unsoundShare([of(30, 0), of(10, 10)])).toBe(0.25);
    expect(unsoundShare([of(20, 20), of(11, 0)])).toBeUndefined();
    expect(unsoundShare([])).toBeUndefined();
  });
});
