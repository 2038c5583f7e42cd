/**
 * Readers of untrusted bytes or text. A target takes one case; it may refuse it with its documented kind of error, and
 * must not crash, hang or fill the memory.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseFrame } from '../../dashboards/server/inbound.ts';
import { readSafetensors, writeSafetensors } from '../../src/compute/hf/safetensors.ts';
import { parseConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { readPicture } from '../../src/data/image.ts';
import { openPaths } from '../../src/data/open.ts';
import { extractAnswer } from '../../src/learn/answer.ts';
import { interpret, samePlain } from '../../src/learn/equivalence/index.ts';
import { packagePath } from '../../src/lib/package-path.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { FRAMES_VERSION } from '../../src/protocol/frames.ts';
import { f32 } from '../../src/protocol/tensor.ts';

export interface Target {
  readonly cases: fc.Arbitrary<unknown>;
  /** @throws what is wrong. */
  readonly run: (value: never) => Promise<void> | void;
}

const folder = mkdtempSync(join(tmpdir(), 'quorum-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const fixtures = (name: string, ending: RegExp): Uint8Array[] => {
  const at = packagePath(join('test', 'fixtures', name));
  return readdirSync(at)
    .filter((file) => ending.test(file))
    .map((file) => new Uint8Array(readFileSync(join(at, file))));
};

/** Bytes near to valid ones: some overwritten, the end cut off, a piece put in twice. */
function damaged(originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 127, 128, 255)),
  );
  return fc
    .tuple(
      fc.constantFrom(...originals),
      fc.array(edit, { maxLength: 6 }),
      fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      fc.boolean(),
    )
    .map(([original, edits, cut, twice]) => {
      let bytes = Uint8Array.from(original);
      for (const [place, value] of edits) bytes[Math.floor(place * (bytes.length - 1))] = value;
      if (cut !== null) bytes = bytes.slice(0, Math.floor(cut * bytes.length));
      if (twice && bytes.length > 8) bytes = Uint8Array.from([...bytes, ...bytes.slice(bytes.length >> 1)]);
      return bytes;
    });
}

/** Refusals that a reader promises are no findings. */
async function refusing(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
}

function onDisk(name: string, read: (file: string) => Promise<unknown>) {
  const file = join(folder, name);
  return async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(file, bytes);
    await refusing(() => read(file));
  };
}

async function readAll(file: string): Promise<void> {
  const { dataset } = await openPaths([file], { picturesAlone: true });
  for (const ref of dataset.pictures()) await refusing(() => dataset.picture(ref));
}

async function safetensors(): Promise<Uint8Array> {
  const file = join(folder, 'whole.safetensors');
  await writeSafetensors(file, {
    a: f32([2, 3], Float32Array.from([1, 2, 3, 4, 5, 6])),
    'layers.0.b': f32([4], new Float32Array(4)),
  });
  return new Uint8Array(readFileSync(file));
}

const FRAMES = [
  { type: 'hello', v: FRAMES_VERSION },
  { type: 'request', id: 1, method: 'groups', params: { filter: { text: 'x', minShare: 0.5 }, limit: 20 } },
  { type: 'command', id: 2, command: { type: 'set', path: 'learner.learningRate', value: 1e-4 } },
].map((frame) => Uint8Array.from(encode(frame)));

const JSONL = [
  '{"id": "a", "problem": "How many?", "images": [], "answer": "3"}\n{"problem": "Which?", "images": ["a.png"], "choices": ["x", "y"], "answer": "B"}\n',
  '{"question": "?", "image": "b.png", "solution": "<answer> 145 </answer>", "precision": 1.0}\n',
].map((text) => new TextEncoder().encode(text));

const JSON_FILES = [
  '{"info": {}, "data": [{"messages": [{"role": "user", "content": [{"type": "text", "text": "a\\"]?"}]}, {"role": "assistant", "content": "3"}]}]}',
  '[{"id": 1, "image": "data:image/png;base64,iVBORw0KGgo=", "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "3"}]}]',
  '{"1": {"question": "?", "image": null, "choices": "[\'a\', \\"b\'s\\"]", "answer": 1}}',
].map((text) => new TextEncoder().encode(text));

const CSV = [
  '\ufeffindex,question,A,B,answer,image\r\n1,"How\n""many""?",3,4,"A","[\'a.png\']"\r\n2,?,5,6,AB,iVBORw0KGgo=',
].map((text) => new TextEncoder().encode(text));

const LATEX = fc
  .array(
    fc.constantFrom(
      '\\frac',
      '\\sqrt',
      '\\boxed',
      '\\text',
      '\\left',
      '\\right',
      '\\cdot',
      '\\pi',
      '\\times',
      '\\infty',
      '\\pm',
      '^',
      '_',
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      '1',
      '2',
      '0',
      '999999999',
      '0.5',
      '1/2',
      '1e9',
      '-',
      '+',
      '=',
      ',',
      ';',
      '%',
      '!',
      '!!',
      'x',
      'y',
      'cm',
      'm^2',
      '°',
      '$',
      '\\%',
      '\\circ',
      ' ',
      '\\\\',
      '&',
      'and',
      'or',
      'A.',
      '(B)',
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

/** Anywhere in a valid configuration something else may stand. */
const CONFIG = fc
  .tuple(fc.constantFrom(...Object.keys(configSchema.shape)), fc.jsonValue({ maxDepth: 3 }))
  .map(([key, value]) => ({ [key]: value }));

export const TARGETS: Readonly<Record<string, () => Target | Promise<Target>>> = {
  'frame codec': () => ({
    cases: fc.oneof(damaged(FRAMES), fc.uint8Array({ maxLength: 64 })),
    run: (bytes: Uint8Array) => {
      let frame: unknown;
      try {
        frame = parseFrame(decode(bytes));
      } catch (error) {
        if (!(error instanceof Error) || error.message.length > 10_000) throw error;
        return;
      }
      // What was accepted is a frame: it survives the way there and back.
      parseFrame(decode(encode(frame)));
    },
  }),
  safetensors: async () => ({
    cases: damaged([await safetensors()]),
    run: onDisk('case.safetensors', readSafetensors),
  }),
  jsonl: () => ({
    cases: fc.oneof(damaged(JSONL), fc.uint8Array({ maxLength: 200 })),
    run: onDisk('case.jsonl', (file) => openPaths([file])),
  }),
  json: () => ({ cases: damaged(JSON_FILES), run: onDisk('case.json', readAll) }),
  csv: () => ({ cases: fc.oneof(damaged(CSV), fc.uint8Array({ maxLength: 200 })), run: onDisk('case.csv', readAll) }),
  parquet: () => ({ cases: damaged(fixtures('parquet', /\.parquet$/)), run: onDisk('case.parquet', readAll) }),
  pictures: () => ({
    cases: damaged([...PICTURES, ...fixtures('pictures', /\.bmp$/)]),
    run: (bytes: Uint8Array) => refusing(() => readPicture(bytes)),
  }),
  answers: () => ({
    cases: fc.tuple(fc.oneof(LATEX, fc.string({ maxLength: 60, unit: 'grapheme' })), LATEX),
    run: ([a, b]: [string, string]) => {
      extractAnswer(`so it is \\boxed{${a}}`);
      samePlain(interpret(a), interpret(b));
    },
  }),
  configuration: () => ({
    cases: fc.oneof(CONFIG, fc.jsonValue()),
    run: (value: unknown) => refusing(() => parseConfig(value)),
  }),
};

/** A PNG, a GIF and a JPEG of one pixel. */
const PICTURES = [
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
].map((text) => Uint8Array.from(Buffer.from(text, 'base64')));
