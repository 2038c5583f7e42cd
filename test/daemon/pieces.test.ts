import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadPromptEncoder } from '../../src/compute/models/folder.ts';
import { piecesOf, tokenReader } from '../../src/daemon/pieces.ts';

const MINI = join(import.meta.dirname, '..', '..', 'models', 'mini');

const bytes = (text: string) => [...Buffer.from(text)];
/** A vocabulary of bytes, as byte-level BPE has it. */
const decode = (tokens: readonly number[]) => Buffer.from(tokens).toString();

test('pieces make up the text, and a character of several tokens is on the last of them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      const pieces = piecesOf(bytes(text), decode);
      expect(pieces.join('')).toBe(decode(bytes(text)));
      expect(pieces).toHaveLength(bytes(text).length);
    }),
  );
  expect(piecesOf(bytes('aé😀b'), decode)).toEqual(['a', '', 'é', '', '', '', '😀', 'b']);
});

test('bytes that are no text are shown as such and hold up nothing', () => {
  const tokens = [97, 0xff, 98, 0xe2];
  const pieces = piecesOf(tokens, decode);
  expect(pieces.join('')).toBe(decode(tokens));
});

test('reads the tokens of a model folder; a folder without a tokenizer gives numbers', async () => {
  const { tokenizer } = await loadPromptEncoder(MINI);
  const tokens = tokenizer.encode('what is \\boxed{12} ?');
  const read = tokenReader(MINI);
  await expect.poll(() => read(tokens).join('')).toBe(tokenizer.decode(tokens));
  expect(tokenReader('/no/such/folder')([7, 8])).toEqual(['⟨7⟩', '⟨8⟩']);
});
