import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModelFolder, type ModelFolder } from '../../../src/compute/models/folder.ts';
import { firstPenalised } from '../../../src/compute/objectives/blame.ts';
import { grpo } from '../../../src/compute/objectives/grpo.ts';
import { falseFrom } from '../../../src/learn/blame.ts';
import { packagePath } from '../../../src/lib/package-path.ts';
import type { Checked, CheckFinding, JudgedGroup, Sample } from '../../../src/protocol/messages.ts';
import { judged } from '../../support/batches.ts';
import { learnSettings } from '../../support/learn-settings.ts';

const TEXT = '3 8 1 3+8=11 11+1=13 \\boxed{13}';
const AT = TEXT.indexOf('11+1');

let folder: ModelFolder;
beforeAll(async () => {
  folder = await loadModelFolder(packagePath('models/ladder'));
});

const decode = (tokens: readonly number[]): string => folder.tokenizer.decode(tokens);
const sample = (text: string): Sample => {
  const tokens = folder.tokenizer.encode(text);
  return { tokens, logprobs: tokens.map(() => -1), refLogprobs: tokens.map(() => -1), text, finish: 'stop' };
};
const deniedFrom = (from?: number): CheckFinding => ({
  vote: false,
  why: 'it is false',
  ...(from !== undefined && { falseFrom: from }),
});
const abstains: CheckFinding = { vote: null, why: 'nothing to check' };
const checksOf = (...findings: CheckFinding[]): Checked[] =>
  findings.map((finding, i) => ({ check: `c${i}`, findings: [finding] }));

describe('the offset from which a response is to blame', () => {
  it('is that of the first fault, and 0 where a check denies the response as a whole or none denies it', () => {
    expect(falseFrom(checksOf(deniedFrom(9), deniedFrom(4), { vote: true }), 0)).toBe(4);
    expect(falseFrom(checksOf(deniedFrom(9), deniedFrom()), 0)).toBe(0);
    expect(falseFrom(checksOf({ vote: true }, abstains), 0)).toBe(0);
    expect(falseFrom(undefined, 0)).toBe(0);
  });
});

/** Advantages of the tokens of two responses, of which the second is denied. */
async function advantages(blame: 'response' | 'step', finding: CheckFinding, own: readonly number[]) {
  const question = { id: 'q', text: '', pictures: [], origin: 'dataset' } as const;
  const plain = judged(question, [sample(TEXT), sample(TEXT)], 0, 0, (_, i) => own[i]!);
  const group = { ...plain.group, checks: [{ check: 'equations', findings: [{ vote: true } as const, finding] }] };
  return prepared({ ...plain, group }, blame);
}

async function prepared(item: JudgedGroup, blame: 'response' | 'step') {
  const score = async () => [];
  const settings = learnSettings({ type: 'grpo' }, { blame });
  const step = { settings, parent: 0, policy: score, base: score, decode };
  const { groups } = await grpo.prepare([{ judged: item, prompt: {} as never }], step);
  return groups[0]!.responses.map(({ values }) => Array.from(values!.advantages!));
}

describe('learner.blame', () => {
  it('is, by default, that of the whole response', async () => {
    const [right, wrong] = await advantages('response', deniedFrom(AT), [1, -1]);
    expect(new Set(right)).toEqual(new Set([1]));
    expect(new Set(wrong)).toEqual(new Set([-1]));
  });

  it('spares the tokens before the step that is false', async () => {
    const [right, wrong] = await advantages('step', deniedFrom(AT), [1, -1]);
    const { tokens } = sample(TEXT);
    const spared = wrong!.filter((advantage) => advantage === 0).length;
    expect(wrong).toEqual(tokens.map((_, t) => (t < spared ? 0 : -1)));
    expect(decode(tokens.slice(0, spared)).trimEnd()).toBe('3 8 1 3+8=11');
    expect(right).toEqual(tokens.map(() => 1));
  });

  it('spares nothing where all of the response is to blame, the advantage is positive, or the offset is not in it', async () => {
    expect(new Set((await advantages('step', deniedFrom(), [1, -1]))[1])).toEqual(new Set([-1]));
    expect(new Set((await advantages('step', deniedFrom(AT), [-1, 1]))[1])).toEqual(new Set([1]));
    expect(new Set((await advantages('step', deniedFrom(TEXT.length), [1, -1]))[1])).toEqual(new Set([-1]));
    expect(new Set((await advantages('step', abstains, [1, -1]))[1])).toEqual(new Set([-1]));
  });

  it('begins with the token that holds the offset, whatever the text', () => {
    const settings = learnSettings({ type: 'grpo' }, { blame: 'step' });
    const text = fc.stringMatching(/^[ 0-9+=\-a-zé\\{}]{1,40}$/).filter((each) => decode(sample(each).tokens) === each);
    fc.assert(
      fc.property(text, fc.nat(), (each, seed) => {
        const offset = 1 + (seed % each.length);
        const { group } = judged(
          { id: 'q', text: '', pictures: [], origin: 'dataset' },
          [sample(each)],
          0,
          0,
          () => -1,
        );
        const from = firstPenalised({ ...group, checks: checksOf(deniedFrom(offset)) }, 0, { settings, decode });
        const { tokens } = sample(each);
        if (offset >= each.length) expect(from).toBe(0);
        else {
          expect(decode(tokens.slice(0, from)).length).toBeLessThanOrEqual(offset);
          expect(decode(tokens.slice(0, from + 1)).length).toBeGreaterThan(offset);
        }
      }),
    );
  });
});
