import { expect, it } from 'vitest';
import { heldTwice } from '../../../src/compute/engine/attached.ts';
import { keptBeside, ProgramCache, type Held } from '../../../src/compute/engine/cache.ts';
import type { Program, ProgramSpec, Specs } from '../../../src/compute/engine/engine.ts';

const parameters: Specs = Object.fromEntries(
  ['body', 'head', 'tower'].map((name) => [name, { dtype: 'float32', shape: [10] }]),
);
const externals = {
  folder: '/',
  tensors: Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [
      name,
      { name, dtype: 'bfloat16' as const, shape, location: name, offset: 0, length: 20 },
    ]),
  ),
};

const spec = (name: string, ...weights: readonly string[]): ProgramSpec => ({
  name,
  inputs: {
    fed: { dtype: 'float32', shape: [1] },
    ...Object.fromEntries(weights.map((weight) => [weight, parameters[weight]!])),
  },
  build: (inputs) => ({ ...inputs }),
});

/** A cache over programs that only say when they are there, in `log`. */
function cacheOf(
  most: number,
  taken: (held: readonly Held[]) => number = (held) => heldTwice(externals, held),
  keptBytes: Readonly<Record<string, number>> = {},
): { get(of: ProgramSpec): Promise<Program>; log: string[] } {
  const cache = new ProgramCache(8, (held) => taken(held) - most);
  const log: string[] = [];
  const make = (of: ProgramSpec, onDispose: () => void): Promise<Program> => {
    log.push(`+${of.name}`);
    const dispose = async (): Promise<void> => {
      log.push(`-${of.name}`);
      onDispose();
    };
    const kept = keptBytes[of.name];
    return Promise.resolve({
      name: of.name,
      inputs: of.inputs,
      outputs: {},
      ...(kept !== undefined && { keptBytes: kept }),
      run: async () => ({}),
      dispose,
    });
  };
  return { get: (of) => cache.get(of, (onDispose) => make(of, onDispose)), log };
}

const [rollout, score, tower, update] = [
  spec('rollout', 'body', 'head'),
  spec('score', 'body', 'head'),
  spec('tower', 'tower'),
  spec('update'),
];

const twice = (specs: readonly ProgramSpec[]): number =>
  heldTwice(
    externals,
    specs.map((each) => ({ spec: each })),
  );

it('counts the bytes of weights that several programs hold', () => {
  expect(twice([rollout, tower, update])).toBe(0);
  expect(twice([rollout, score, tower, tower])).toBe(60);
  // Of another shape it is fed.
  const other: ProgramSpec = { ...score, inputs: { body: { dtype: 'float32', shape: [9] } } };
  expect(twice([rollout, other])).toBe(0);
});

it('a program leaves before another that shares its weights comes; those that share none stay', async () => {
  const { get, log } = cacheOf(0);
  for (const each of [tower, update, rollout, score, tower, update, rollout]) await get(each);
  expect(log).toEqual(['+tower', '+update', '+rollout', '-rollout', '+score', '-score', '+rollout']);
});

it('small weights may be held more than once, up to the limit', async () => {
  const { get, log } = cacheOf(40);
  for (const each of [rollout, score, rollout]) await get(each);
  expect(log).toEqual(['+rollout', '+score']);
  await get(spec('third', 'body', 'head'));
  expect(log).toEqual(['+rollout', '+score', '-score', '+third']);
});

it('concurrent calls make one program, and room once', async () => {
  const { get, log } = cacheOf(0);
  await get(rollout);
  const [a, b] = await Promise.all([get(score), get(score)]);
  expect(a).toBe(b);
  expect(log).toEqual(['+rollout', '-rollout', '+score']);
});

it('programs whose working memory has no room beside that of the largest leave, before the new one runs', async () => {
  const passes = { short: 10, middle: 20, long: 50 };
  const { get, log } = cacheOf(20, keptBeside, passes);
  const [short, middle, long] = Object.keys(passes).map((name) => spec(name)) as [
    ProgramSpec,
    ProgramSpec,
    ProgramSpec,
  ];
  for (const each of [short, middle, short]) await get(each);
  expect(log).toEqual(['+short', '+middle']);
  // Beside 50 there is room for 20: of the two, that used longest ago leaves.
  await get(long);
  expect(log).toEqual(['+short', '+middle', '+long', '-middle']);
  await get(middle);
  expect(log.slice(4)).toEqual(['+middle', '-short']);
});
