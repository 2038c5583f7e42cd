/** Models, pictures and data from somebody else: read, never run, within bounds. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { parseChatTemplate } from '../../src/compute/hf/chat.ts';
import { loadModelFolder } from '../../src/compute/models/folder.ts';
import { readSafetensors } from '../../src/compute/hf/safetensors.ts';
import { readPicture } from '../../src/data/image.ts';
import { openPaths } from '../../src/data/open.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeTinyFolder } from '../support/tiny-folder.ts';

describe('a model folder', () => {
  test('runs no code that it brings, whatever its config.json says', async () => {
    const folder = join(temporaryFolder(), 'model');
    await writeTinyFolder(folder, 1);
    const ran = join(folder, 'ran');
    for (const name of ['modeling_evil.py', 'modeling_evil.js', 'index.js']) {
      writeFileSync(join(folder, name), `import('node:fs').then((fs) => fs.writeFileSync(${JSON.stringify(ran)}, ''))`);
    }
    const file = join(folder, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    const evil = {
      auto_map: { AutoModel: 'modeling_evil.Evil', AutoTokenizer: ['index', null] },
      trust_remote_code: true,
    };
    writeFileSync(file, JSON.stringify({ ...config, ...evil }));
    const { files } = await loadModelFolder(folder);
    expect(existsSync(ran)).toBe(false);
    expect(Object.keys(files).filter((name) => /evil|index\.js$/.test(name))).toEqual([]);
  });

  test('of pickled weights is refused by their name', async () => {
    const folder = join(temporaryFolder(), 'model');
    await writeTinyFolder(folder, 1);
    rmSync(join(folder, 'model.safetensors'));
    writeFileSync(join(folder, 'pytorch_model.bin'), 'cos\nsystem\n(S"touch ran"\ntR.');
    await expect(loadModelFolder(folder)).rejects.toThrow(
      /pytorch_model\.bin: a pickle, which runs code when it is read: convert it/,
    );
  });

  test.each([
    ["{{ ''.constructor.constructor('return process')().exit(3) }}"],
    ["{{ messages.constructor.constructor('return globalThis')() }}"],
    ['{{ messages.__proto__.polluted }}'],
    ["{{ cycler.__init__.__globals__.os.system('id') }}"],
    ["{% import 'node:fs' as fs %}{{ fs.readFileSync('/etc/passwd') }}"],
    ["{% include '/etc/passwd' %}"],
    ["{{ process.env }}{{ globalThis }}{{ require('fs') }}"],
    ["{% set messages.__proto__.polluted = 'yes' %}{{ raise_exception.constructor('return 1')() }}"],
  ])('has a chat template that cannot leave its interpreter: %s', (source) => {
    const render = (): string =>
      parseChatTemplate(source, { eos_token: '<end>' }, 'a folder')([{ role: 'user', content: 'hello' }]);
    let text = '';
    try {
      text = render();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
    expect(text).not.toMatch(/root:|uid=|function|object|PATH/);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

test.each([
  ['a header of 4 GB', [], 2n ** 32n, /header length/],
  ['a header longer than the file', [], 4_000n, /truncated: the header needs/],
  ['a tensor of 2 ** 50 numbers', [['w', [2 ** 50], [0, 8]]], undefined, /needs 4503599627370496 bytes/],
  [
    'the same bytes a thousand times',
    Array.from({ length: 1_000 }, (_, i) => [`w${i}`, [2], [0, 8]]),
    undefined,
    /overlap: they need 8000 bytes/,
  ],
] as const)(
  'a safetensors file that asks for too much memory is refused before it gets any: %s',
  async (_, tensors, length, message) => {
    const file = join(temporaryFolder(), 'bomb.safetensors');
    const header = Buffer.from(
      JSON.stringify(
        Object.fromEntries(tensors.map(([name, shape, data_offsets]) => [name, { dtype: 'F32', shape, data_offsets }])),
      ),
    );
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(length ?? BigInt(header.length));
    writeFileSync(file, Buffer.concat([size, header, Buffer.alloc(8)]));
    await expect(readSafetensors(file)).rejects.toThrow(message);
  },
);

describe('a picture', () => {
  const svg = (body: string): Buffer =>
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">${body}</svg>`);

  test.each([
    ['an SVG', svg('<rect width="9" height="9"/>')],
    ['an SVG that names a file', svg('<image href="file:///etc/passwd" width="9" height="9"/>')],
    [
      'an XML of entities',
      Buffer.from(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "${'b'.repeat(999)}">]>${svg('&b;').toString()}`),
    ],
    ['a PDF', Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\n')],
  ])('that is %s is refused before it is read', async (_, bytes) => {
    await expect(readPicture(bytes, 'drawn')).rejects.toThrow(
      /^drawn: not a picture that can be read \(JPEG, PNG,.*unsupported image format/,
    );
  });

  test('that is animated is its first frame, however many follow', async () => {
    const raw = { width: 8, height: 8 * 50, channels: 3, pageHeight: 8 } as const;
    const pixels = Buffer.alloc(3 * 8 * 8 * 50, 200).fill(10, 3 * 8 * 8);
    const bytes = await sharp(pixels, { raw })
      .gif({ delay: Array.from({ length: 50 }, () => 20) })
      .toBuffer();
    const { width, height, data } = await readPicture(bytes, 'moving.gif');
    expect([width, height, data[0]]).toEqual([8, 8, 200]);
  });

  test('that is small on disk and huge in memory is refused before it is decoded', async () => {
    const bomb = await sharp({ create: { width: 9_000, height: 9_000, channels: 3, background: 'white' } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    expect(bomb.length).toBeLessThan((9_000 * 9_000) / 20);
    await expect(readPicture(bomb, 'bomb.png')).rejects.toThrow(/bomb\.png: 9000 x 9000 pixels; at most/);
  });

  test.skipIf(process.platform === 'win32')('that is a pipe or a device is refused, not waited for', async () => {
    const pipe = join(temporaryFolder(), 'pipe.png');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    await expect(readPicture(pipe)).rejects.toThrow(/pipe\.png: not a file/);
    await expect(readPicture('/dev/zero')).rejects.toThrow('/dev/zero: not a file');
  });

  test('whose path leads out of the data set is read as a picture or refused by its name: what else it holds is not told', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'private.txt'), 'the secret of somebody');
    const rows = join(temporaryFolder(), 'rows.jsonl');
    writeFileSync(rows, JSON.stringify({ problem: 'what ?', images: [join(folder, 'private.txt')] }));
    const { dataset } = await openPaths([rows]);
    const [ref] = dataset.question(0).pictures;
    const refused = readPicture((ref as { readonly path: string }).path);
    await expect(refused).rejects.toThrow(/private\.txt: not a picture/);
    await expect(refused).rejects.not.toThrow(/secret of somebody/);
  });
});
