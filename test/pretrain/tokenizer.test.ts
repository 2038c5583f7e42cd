/** The committed tokenizer: what it must encode, and that it is what the code makes. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askLike } from '../../src/data/figures/ask.ts';
import { figureTasks } from '../../src/data/figures/figure.ts';
import { response } from '../../src/data/figures/tasks.ts';
import { writeMini } from '../../src/pretrain/mini.ts';

const MINI = new URL('../../models/mini/', import.meta.url);
const json = async (name: string): Promise<object> => JSON.parse(await readFile(new URL(name, MINI), 'utf8'));
const tokenizer = new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'));

const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;
const decode = (ids: number[]): string => tokenizer.decode(ids, { skip_special_tokens: false });
const unknown = encode('~')[0];

const tasks = Array.from({ length: 1000 }, (_, index) =>
  figureTasks({ rendering: 'plain', pool: 'test', seed: 0, index }),
).flat();

describe('models/mini tokenizer', () => {
  it("round-trips every question and response within the recipe's lengths, with no unknown token", () => {
    for (const task of tasks) {
      const question = encode(task.text);
      expect([task.text, question.includes(unknown!), question.length <= 8]).toEqual([task.text, false, true]);
      expect(decode(question)).toBe(task.text);
      expect(decode(encode(askLike(task.text)))).toBe(askLike(task.text));
      for (const working of [null, ...task.workings]) {
        const text = response(task, working);
        const ids = encode(`${text}<|im_end|>`);
        expect([text, ids.includes(unknown!), ids.length <= 28]).toEqual([text, false, true]);
        expect(decode(ids)).toBe(`${text}<|im_end|>`);
      }
    }
  });

  it('keeps a prompt with a picture within 40 tokens', () => {
    const longest = Math.max(...tasks.map(({ text }) => encode(text).length));
    const frame = encode('<|im_start|>user\n<|vision_start|><|vision_end|><|im_end|><|im_start|>assistant\n').length;
    expect(frame + 25 + longest).toBeLessThanOrEqual(40);
  });

  it('round-trips any text over its characters, and never throws on other text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789+-*/=().,:?{} \n'), minLength: 1 }), (text) => {
        expect(decode(encode(text))).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(encode(text).every((id) => Number.isInteger(id))).toBe(true);
      }),
    );
  });

  it('is what `writeMini` makes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quorum-mini-'));
    await writeMini(folder);
    for (const name of await readdir(folder)) {
      expect([name, await readFile(join(folder, name), 'utf8')]).toEqual([
        name,
        await readFile(new URL(name, MINI), 'utf8'),
      ]);
    }
    await rm(folder, { recursive: true });
  });
});
