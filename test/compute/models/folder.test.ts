import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/compute/models/qwen2_5_vl/config.ts';
import { loadArchitecture, loadModelFolder } from '../../../src/compute/models/folder.ts';
import { loadParams } from '../../../src/compute/models/weights.ts';
import { saveModelFolder } from '../../../src/compute/models/save.ts';
import { exportCheckpoint } from '../../../src/cli/export-checkpoint.ts';
import { saveCheckpoint } from '../../../src/compute/training/checkpoint.ts';
import {
  digestSafetensors,
  readSafetensors,
  locateSafetensors,
  writeSafetensors,
} from '../../../src/compute/hf/safetensors.ts';
import { InputError } from '../../../src/protocol/errors.ts';
import { f32, type TensorMap } from '../../../src/protocol/tensor.ts';
import { Checkpoints } from '../../../src/store/checkpoints.ts';
import { CASES, fixtureFolder } from '../programs/fixture.ts';

/** A config.json to be changed: only the parts that the tests reach into are spelled out. */
interface Json extends Record<string, unknown> {
  text_config: Record<string, unknown> & { rope_parameters: Record<string, unknown> };
  vision_config: Record<string, unknown>;
}

/** A ramp. */
const PICTURE = {
  width: 64,
  height: 64,
  channels: 3 as const,
  data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => i % 251),
};

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'folder-'));
});
afterAll(async () => {
  await rm(scratch, { recursive: true });
});

/**
 * A complete folder: the `padded` model's weights with the `processor` fixture's tokenizer, its patches made the
 * model's.
 */
async function complete(name: string): Promise<string> {
  const folder = join(scratch, name);
  await cp(fixtureFolder('window'), folder, { recursive: true });
  await cp(fixtureFolder('processor'), folder, { recursive: true });
  await writeFile(join(folder, 'generation_config.json'), '{"eos_token_id": [332, 330], "pad_token_id": 330}');
  return folder;
}

async function edit(folder: string, change: (config: Json) => void): Promise<void> {
  const file = join(folder, 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as Json;
  change(config);
  await writeFile(file, JSON.stringify(config));
}

describe('saveModelFolder', () => {
  test('a saved folder loads as the same model, files and all', async () => {
    const model = await loadModelFolder(await complete('source'));
    const target = join(scratch, 'saved');
    await saveModelFolder(target, model);
    const again = await loadModelFolder(target);
    expect(again.params).toEqual(model.params);
    expect(again.files).toEqual(model.files);
    const { raw } = model.model;
    expect(parseConfig(again.model.raw, 'saved')).toEqual(parseConfig(raw, 'source'));
    expect(again.generationConfig).toEqual({ eosTokenIds: [332, 330], padTokenId: 330 });
  });

  test('saving over a folder replaces it whole and leaves nothing next to it', async () => {
    const model = await loadModelFolder(await complete('again'));
    const place = await mkdtemp(join(scratch, 'over-'));
    const target = join(place, 'model');
    await saveModelFolder(target, { ...model, files: { ...model.files, 'vocab.json': '{}' } });
    await saveModelFolder(target, model, 'BF16');
    expect(await readdir(place)).toEqual(['model']);
    expect(await readdir(target)).not.toContain('vocab.json');
    expect((JSON.parse(await readFile(join(target, 'config.json'), 'utf8')) as { dtype: string }).dtype).toBe(
      'bfloat16',
    );
  });

  test('a save that fails leaves the folder that was there', async () => {
    const model = await loadModelFolder(await complete('kept'));
    const place = await mkdtemp(join(scratch, 'kept-'));
    const target = join(place, 'model');
    await saveModelFolder(target, model);
    const broken = {
      ...model,
      params: {
        ...model.params,
        get 'model.norm.weight'(): never {
          throw new Error('no space left');
        },
      } as unknown as TensorMap,
    };
    await expect(saveModelFolder(target, broken)).rejects.toThrow('no space left');
    expect(await readdir(place)).toEqual(['model']);
    expect((await loadModelFolder(target)).params).toEqual(model.params);
  });
});

describe('a folder saved by transformers 5', () => {
  test('has its image processor in processor_config.json, its template in a file, no vocabulary but tokenizer.json', async () => {
    const folder = await complete('five');
    const before = await loadModelFolder(folder);
    const settings = JSON.parse(await readFile(join(folder, 'preprocessor_config.json'), 'utf8')) as object;
    const five = {
      ...settings,
      min_pixels: undefined,
      max_pixels: undefined,
      size: { longest_edge: 1600, shortest_edge: 256 },
      resample: 3,
    };
    const processor = { image_processor: five, processor_class: 'Qwen2_5_VLProcessor', video_processor: { fps: 2 } };
    await writeFile(join(folder, 'processor_config.json'), JSON.stringify(processor));
    await rm(join(folder, 'preprocessor_config.json'));
    await writeFile(
      join(folder, 'tokenizer_config.json'),
      '{"backend": "tokenizers", "eos_token": "<|im_end|>", "tokenizer_class": "TokenizersBackend"}',
    );
    const model = await loadModelFolder(folder);
    expect(model.processor!(PICTURE)).toEqual(before.processor!(PICTURE));
    expect(model.chat([{ role: 'user', content: 'x' }])).toBe(before.chat([{ role: 'user', content: 'x' }]));
    expect(model.tokenizer.encode('the angle<|im_end|>')).toEqual(before.tokenizer.encode('the angle<|im_end|>'));
    const target = join(scratch, 'five-saved');
    await saveModelFolder(target, model);
    expect((await loadModelFolder(target)).processor!(PICTURE)).toEqual(before.processor!(PICTURE));
    expect(await readdir(target)).not.toContain('preprocessor_config.json');
  });

  test('has a config.json that nests what was flat: the same model', async () => {
    const flat = JSON.parse(await readFile('models/mini/config.json', 'utf8')) as Record<string, unknown>;
    const { vision_config: vision, rope_scaling: scaling, rope_theta: theta, torch_dtype: dtype, ...rest } = flat;
    const root = [
      'architectures',
      'model_type',
      'tie_word_embeddings',
      'vision_start_token_id',
      'vision_end_token_id',
      'image_token_id',
      'video_token_id',
    ];
    const picked = (wanted: boolean) =>
      Object.fromEntries(Object.entries(rest).filter(([key]) => root.includes(key) === wanted));
    const parameters = { ...(scaling as object), rope_type: 'default', rope_theta: theta };
    const nested = {
      ...picked(true),
      dtype,
      text_config: {
        ...picked(false),
        dtype,
        model_type: 'qwen2_5_vl_text',
        layer_types: ['full_attention'],
        sliding_window: null,
        rope_parameters: parameters,
      },
      vision_config: { ...(vision as object), rope_parameters: { rope_theta: 10_000, rope_type: 'axial' } },
      transformers_version: '5.24.0',
    };
    expect(parseConfig(nested, 'five')).toEqual(parseConfig(flat, 'four'));
  });

  test('wins over an older preprocessor_config.json; where neither says how, both are named', async () => {
    const folder = await complete('both');
    await writeFile(join(folder, 'processor_config.json'), '{"processor_class": "Qwen2_5_VLProcessor"}');
    const pixels = async () => {
      const { grid } = (await loadModelFolder(folder)).processor!(PICTURE);
      return grid[1] * grid[2] * 4 ** 2;
    };
    expect(await pixels()).toBeGreaterThan(999);
    const image_processor = { patch_size: 4, merge_size: 2, min_pixels: 64, max_pixels: 999 };
    await writeFile(join(folder, 'processor_config.json'), JSON.stringify({ image_processor }));
    expect(await pixels()).toBeLessThan(999);
    await writeFile(join(folder, 'processor_config.json'), '{}');
    await rm(join(folder, 'preprocessor_config.json'));
    await expect(loadModelFolder(folder)).rejects.toThrow(
      /both: no image processor: preprocessor_config\.json, or processor_config\.json with "image_processor"/,
    );
  });

  test('an adapter folder, with or without full weights in it, is refused with the way to merge it', async () => {
    const folder = await complete('adapter');
    await writeFile(
      join(folder, 'adapter_config.json'),
      '{"peft_type": "LORA", "base_model_name_or_path": "Qwen/Qwen2.5-VL-3B-Instruct"}',
    );
    const message =
      /adapter: holds an adapter to "Qwen\/Qwen2\.5-VL-3B-Instruct" \(adapter_config\.json\), .*merge it first.*merge_and_unload/;
    await expect(loadModelFolder(folder)).rejects.toThrow(message);
    await rm(join(folder, 'config.json'));
    await expect(loadArchitecture(folder)).rejects.toThrow(message);
  });
});

describe('the types of a base', () => {
  test.each(['BF16', 'F16'] as const)(
    '%s, with one tensor of float32, are those of an export, byte for byte, and config.json tells',
    async (type) => {
      const folder = await complete(`base-${type}`);
      await edit(folder, (config) => Object.assign(config.text_config, { dtype: 'float32' }));
      const source = await loadModelFolder(folder);
      const types = {
        ...Object.fromEntries(Object.keys(source.params).map((name) => [name, type])),
        'model.norm.weight': 'F32',
      } as const;
      const base = join(scratch, `typed-${type}`);
      await saveModelFolder(base, source, types);
      const model = await loadModelFolder(base);
      const zeros = Object.fromEntries(Object.entries(model.params).map(([name, { shape }]) => [name, f32(shape)]));
      const run = join(scratch, `run-${type}`);
      const state = { weights: model.params, moments: { first: zeros, second: zeros }, updates: 0 };
      const checkpoints = await Checkpoints.open(join(run, 'checkpoints'));
      const { folder: saved } = await checkpoints.save(3, (draft) => saveCheckpoint(draft, 3, model, state));
      expect((await locateSafetensors(join(saved, 'model.safetensors')))['model.norm.weight']!.dtype).toBe('F32');
      expect((await configOf(saved)).dtype).toBe('float32');
      const out = join(scratch, `out-${type}`);
      expect(await exportCheckpoint({ runFolder: run, out })).toMatchObject({ version: 3 });
      expect(await digestSafetensors(join(out, 'model.safetensors'))).toEqual(
        await digestSafetensors(join(base, 'model.safetensors')),
      );
      const { dtype, text_config: text } = await configOf(out);
      expect([dtype, text.dtype]).toEqual(type === 'BF16' ? ['bfloat16', 'bfloat16'] : ['float16', 'float16']);
      await exportCheckpoint({ runFolder: run, out, dtype: 'F32' });
      const written = Object.values(await locateSafetensors(join(out, 'model.safetensors')));
      expect(new Set(written.map(({ dtype: stored }) => stored))).toEqual(new Set(['F32']));
    },
  );
});

async function configOf(folder: string): Promise<{ dtype: string; text_config: { dtype: string } }> {
  return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as {
    dtype: string;
    text_config: { dtype: string };
  };
}

describe('loadParams', () => {
  test.each(CASES)('%s: every tensor of the config is there', async (name) => {
    const folder = fixtureFolder(name);
    const params = await loadParams(folder, await loadArchitecture(folder));
    expect(Object.values(params).every((tensor) => tensor.data.every(Number.isFinite))).toBe(true);
  });

  test("transformers' in-memory names are accepted", async () => {
    const folder = await complete('renamed');
    const model = await loadArchitecture(folder);
    const params = await loadParams(folder, model);
    const file = join(folder, 'model.safetensors');
    const rename = (name: string) =>
      name.replace(/^(visual\.)/, 'model.$1').replace(/^model\.(?!visual)/, 'model.language_model.');
    await writeSafetensors(
      file,
      Object.fromEntries(Object.entries(params).map(([name, tensor]) => [rename(name), tensor])),
    );
    expect(Object.keys(await readSafetensors(file))).toContain('model.language_model.layers.0.mlp.up_proj.weight');
    expect(await loadParams(folder, model)).toEqual(params);
  });

  test.each<[string, (params: Record<string, ReturnType<typeof f32>>) => void, RegExp]>([
    [
      'a missing tensor',
      (params) => void delete params['model.norm.weight'],
      /tensor "model\.norm\.weight" is missing; config\.json asks for shape \[32\]/,
    ],
    [
      'a wrong shape',
      (params) => void (params['model.norm.weight'] = f32([31])),
      /"model\.norm\.weight" has shape \[31\]; config\.json asks for \[32\]/,
    ],
    [
      'an unknown tensor',
      (params) => void (params['model.layers.9.x'] = f32([1])),
      /"model\.layers\.9\.x" is not part of the model/,
    ],
  ])('%s is an error', async (_name, change, message) => {
    const folder = await complete('wrong');
    const model = await loadArchitecture(folder);
    const params = { ...(await loadParams(folder, model)) } as Record<string, ReturnType<typeof f32>>;
    change(params);
    await writeSafetensors(join(folder, 'model.safetensors'), params);
    await expect(loadParams(folder, model)).rejects.toThrow(message);
    await expect(loadParams(folder, model)).rejects.toBeInstanceOf(InputError);
  });
});

describe('config.json', () => {
  test('the flat hub layout and the nested one describe the same model', async () => {
    const nested = JSON.parse(await readFile(join(fixtureFolder('window'), 'config.json'), 'utf8')) as Json;
    const { text_config: text, ...root } = nested;
    const { rope_parameters: rope, ...fields } = text;
    const rope_scaling = { type: 'mrope', mrope_section: rope.mrope_section };
    const flat = { ...root, ...fields, model_type: 'qwen2_5_vl', rope_theta: rope.rope_theta, rope_scaling };
    expect(parseConfig(flat, 'flat')).toEqual(parseConfig(nested, 'nested'));
  });

  test('the 7B hub config, whose fields rest partly on defaults', () => {
    const hub = {
      model_type: 'qwen2_5_vl',
      hidden_size: 3584,
      intermediate_size: 18944,
      max_position_embeddings: 128000,
      num_attention_heads: 28,
      num_hidden_layers: 28,
      num_key_value_heads: 4,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000.0,
      sliding_window: 32768,
      tie_word_embeddings: false,
      use_sliding_window: false,
      vision_config: {
        depth: 32,
        hidden_act: 'silu',
        hidden_size: 1280,
        intermediate_size: 3420,
        num_heads: 16,
        in_chans: 3,
        out_hidden_size: 3584,
        patch_size: 14,
        spatial_merge_size: 2,
        spatial_patch_size: 14,
        window_size: 112,
        fullatt_block_indexes: [7, 15, 23, 31],
        tokens_per_second: 2,
        temporal_patch_size: 2,
      },
      rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
      vocab_size: 152064,
    };
    const { text, vision } = parseConfig(hub, '7B');
    expect(text).toMatchObject({
      headDim: 128,
      kvHeads: 4,
      ropeTheta: 1e6,
      mropeSection: [16, 24, 24],
      tieEmbeddings: false,
    });
    expect(vision).toMatchObject({ headDim: 80, channels: 3, fullAttentionBlocks: [7, 15, 23, 31], ropeTheta: 10000 });
  });

  test.each<[string, (config: Json) => void, RegExp]>([
    [
      'an unknown model_type',
      (c) => (c['model_type'] = 'llava'),
      /config\.json: model_type is "llava"; name the folder of a model of a known type: "qwen2_5_vl"/,
    ],
    ['a bad size', (c) => (c.text_config.hidden_size = -4), /text_config\.hidden_size is -4/],
    [
      'heads that do not divide',
      (c) => (c.text_config.num_attention_heads = 5),
      /hidden_size 32 is not divisible by num_attention_heads 5/,
    ],
    [
      'rotary sections that do not fit',
      (c) => (c.text_config.rope_parameters['mrope_section'] = [2, 2, 2]),
      /sums to 6; it must be half of the head size 8/,
    ],
    [
      'another rotary scheme',
      (c) => (c.text_config.rope_parameters['rope_type'] = 'yarn'),
      /rope type "yarn" is not supported/,
    ],
    [
      'a bad field within a list',
      (c) => (c.text_config.rope_parameters['mrope_section'] = [-1, 2, 2]),
      /text_config\.rope_parameters\.mrope_section\.0 is -1/,
    ],
    ['another activation', (c) => (c.vision_config.hidden_act = 'relu'), /vision_config\.hidden_act is "relu"/],
    [
      'sliding windows',
      (c) => Object.assign(c.text_config, { use_sliding_window: true, layer_types: ['sliding_attention'] }),
      /sliding-window decoder layers/,
    ],
    [
      'towers that do not meet',
      (c) => (c.vision_config.out_hidden_size = 48),
      /out_hidden_size is 48; it must equal .* 32/,
    ],
  ])('%s is an error', async (name, change, message) => {
    const folder = await complete(name.replaceAll(' ', '-'));
    await edit(folder, change);
    await expect(loadArchitecture(folder)).rejects.toThrow(message);
    await expect(loadArchitecture(folder)).rejects.toBeInstanceOf(InputError);
  });

  test('text that is not JSON, and no file at all', async () => {
    const folder = await complete('not-json');
    await writeFile(join(folder, 'config.json'), '{"model_type": ');
    await expect(loadArchitecture(folder)).rejects.toThrow(/config\.json: not JSON/);
    await expect(loadArchitecture(scratch)).rejects.toThrow(/\/config\.json: cannot be read/);
  });

  test('a folder that is not there, and the name of a model on the hub', async () => {
    const nowhere = join(scratch, 'nowhere');
    await expect(loadArchitecture(nowhere)).rejects.toThrow(
      `model ${nowhere}: there is no such folder; name one that holds a model`,
    );
    const name = 'Qwen/Qwen2.5-VL-3B-Instruct';
    for (const path of [join(scratch, name), join(scratch, 'https://hub.example', name)]) {
      const error: unknown = await loadArchitecture(path).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect((error as Error).message).toContain(`hf download ${name} --local-dir ./Qwen2.5-VL-3B-Instruct`);
      expect((error as Error).message).toContain('--model ./Qwen2.5-VL-3B-Instruct');
      expect((error as Error).message).not.toContain('ENOENT');
    }
  });
});

test.each(['tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json', 'chat_template.jinja'])(
  'a folder without %s is an error that names it',
  async (name) => {
    const folder = await complete(`without-${name}`);
    await rm(join(folder, name));
    await expect(loadModelFolder(folder)).rejects.toThrow(name);
    await expect(loadModelFolder(folder)).rejects.toBeInstanceOf(InputError);
  },
);
