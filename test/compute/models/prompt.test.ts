import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parseChatTemplate } from '../../../src/compute/hf/chat.ts';
import { parseModel } from '../../../src/compute/models/index.ts';
import { parseTokenizer } from '../../../src/compute/hf/tokenizer.ts';
import { encodePrompt, type PromptEncoder } from '../../../src/compute/models/prompt.ts';
import { readPicture } from '../../../src/data/image.ts';
import { InputError } from '../../../src/protocol/errors.ts';
import { fixtureFolder } from '../programs/fixture.ts';

const FOLDER = fixtureFolder('processor');
interface Expected {
  readonly text: Record<
    string,
    { readonly images: number; readonly rendered: string; readonly ids: number[]; readonly plain: number[] }
  >;
}
const read = async (name: string): Promise<string> => await readFile(`${FOLDER}/${name}`, 'utf8');
const json = async (name: string): Promise<unknown> => JSON.parse(await read(name)) as unknown;

/** The tokenizer fixture with a model whose image token is its own. */
async function encoder(): Promise<PromptEncoder> {
  const raw = JSON.parse(await readFile(`${fixtureFolder('window')}/config.json`, 'utf8')) as object;
  const model = parseModel({ ...raw, image_token_id: 335 }, 'config.json');
  return {
    model,
    tokenizer: parseTokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'), 'tokenizer.json'),
    chat: parseChatTemplate(await read('chat_template.jinja'), {}, 'chat_template.jinja'),
    processor: model.vision!.processor(await json('preprocessor_config.json'), 'preprocessor_config.json'),
  };
}

describe('encodePrompt', () => {
  test('token ids are those of transformers, with as many image tokens as merged patches', async () => {
    const model = await encoder();
    const pictures = [await readPicture(`${FOLDER}/noise.png`), await readPicture(`${FOLDER}/grey.png`)];
    const { text } = (await json('expected.json')) as Expected;
    expect(Object.keys(text)).toHaveLength(3);
    for (const [question, want] of Object.entries(text)) {
      const prompt = encodePrompt(model, { text: question, pictures: pictures.slice(0, want.images) });
      const sizes = prompt.images.map(({ grid }) => (grid[0] * grid[1] * grid[2]) / 4);
      const ids = want.ids.flatMap((id) =>
        id === 335 ? Array.from<number>({ length: sizes.shift()! }).fill(id) : [id],
      );
      expect(prompt.ids).toEqual(ids);
      expect(model.tokenizer.encode(question)).toEqual(want.plain);
      expect(model.tokenizer.decode(want.plain)).toBe(question);
      expect(model.tokenizer.decode(want.ids, { special: true })).toBe(want.rendered);
      expect(prompt.positions).toHaveLength(3 * ids.length);
    }
  });

  test('a question longer than the context is an error that says by how much', async () => {
    const model = await encoder();
    const text = 'area '.repeat(600);
    expect(() => encodePrompt(model, { text, pictures: [] })).toThrow(
      /a question of \d+ tokens is longer than the model's context of 512: "area/,
    );
    expect(() => encodePrompt(model, { text: 'area', pictures: [] }, 500)).toThrow(/and 500 of response is longer/);
    expect(() => encodePrompt(model, { text, pictures: [] })).toThrow(InputError);
  });

  test('image tokens smuggled in by the text are refused', async () => {
    const model = await encoder();
    expect(() => encodePrompt(model, { text: 'a <|image_pad|> b', pictures: [] })).toThrow(
      /1 image tokens for 0 pictures/,
    );
  });
});

test('broken tokenizers and templates are input errors', async () => {
  expect(() => parseTokenizer({ model: { type: 'Nonsense' } }, {}, 't.json')).toThrow(InputError);
  expect(() => parseChatTemplate('{% for %}', {}, 'c.jinja')).toThrow(/c\.jinja: chat template/);
  const refusing = parseChatTemplate("{{ raise_exception('no system turn') }}", {}, 'c.jinja');
  expect(() => refusing([{ role: 'user', content: 'x' }])).toThrow(/no system turn/);
});
