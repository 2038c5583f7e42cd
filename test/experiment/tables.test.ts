import { describe, expect, it } from 'vitest';
import { merged } from '../../src/config/merge.ts';
import { cellHash, type Cell, type CellResult, type Common } from '../../src/experiment/cell.ts';
import { expectations, expectationWords } from '../../src/experiment/expectations.ts';
import { htmlOf } from '../../src/experiment/html.ts';
import { CHECKED, METHODS } from '../../src/experiment/methods.ts';
import { planOf, VARIATIONS } from '../../src/experiment/plan.ts';
import { AVERAGE, rowsOf, statistics } from '../../src/experiment/statistics.ts';
import { csvOf, markdownOf } from '../../src/experiment/text.ts';
import { OBJECTIVES } from '../../src/compute/objectives/registry.ts';
import { configSchema } from '../../src/config/schema.ts';

const common: Common = { model: 'abc', questions: 320, suiteQuestions: 10, k: 10 };

function result(
  method: string,
  seed: number,
  greedy: readonly [number, number],
  variation?: string,
  levels: readonly Readonly<Record<string, number>>[] = [],
): CellResult {
  const suite = (value: number, at: number) => ({
    n: 10,
    k: 10,
    greedy: value,
    pass1: value / 2,
    majK: value,
    passK: 1,
    byKind: {},
    ...(levels[at] && { levels: levels[at] }),
  });
  const cell: Cell = { method, seed, config: {}, ...(variation === undefined ? {} : { variation }) };
  const history = [0, 5].map((version) => ({ version, greedy: greedy[0], seconds: version }));
  return {
    cell,
    suites: { charts: suite(greedy[0], 0), clocks: suite(greedy[1], 1) },
    history,
    steps: 10,
    samples: 3200,
    seconds: 60,
  };
}

describe('rowsOf', () => {
  it('averages over suites for each seed, then over seeds', () => {
    const [row] = rowsOf([result('mm-upt', 0, [0.5, 0.7]), result('mm-upt', 1, [0.7, 0.9])]);
    expect(row!.suites[AVERAGE]!.greedy.mean).toBeCloseTo(0.7, 12);
    expect(row!.suites[AVERAGE]!.greedy.deviation).toBeCloseTo(Math.SQRT1_2 * 0.2, 12);
    expect(row!.suites['charts']!.pass1.mean).toBeCloseTo(0.3, 12);
    expect(row).toMatchObject({ seeds: 2, steps: { mean: 10, deviation: 0 } });
  });

  it('has the accuracy of each level: over the suites that have it, then over seeds', () => {
    const [row] = rowsOf([
      result('mm-upt', 0, [0, 0], undefined, [{ 1: 1, 2: 0.5 }, { 1: 0.5 }]),
      result('mm-upt', 1, [0, 0], undefined, [{ 1: 1, 2: 0.7 }, { 1: 0.9 }]),
    ]);
    expect(row!.levels['1']!.mean).toBeCloseTo((0.75 + 0.95) / 2, 12);
    expect(row!.levels['2']!.mean).toBeCloseTo(0.6, 12);
    expect(row!.levels['2']!.deviation).toBeCloseTo(Math.SQRT1_2 * 0.2, 12);
    expect(rowsOf([result('mm-upt', 0, [0, 0])])[0]!.levels).toEqual({});
  });

  it('has no deviation for one seed', () => expect(statistics([3])).toEqual({ mean: 3, deviation: null }));
});

describe('expectations', () => {
  const rows = (values: Readonly<Record<string, number>>) =>
    rowsOf(Object.entries(values).map(([method, value]) => result(method, 0, [value, value])));
  const all = {
    base: 0.5,
    'mm-upt': 0.8,
    'supervised-grpo': 0.81,
    lmsi: 0.7,
    srlm: 0.6,
    genixer: 0.5,
    stic: 0.5,
    'mm-upt+in-context': 0.79,
    'mm-upt+direct': 0.9,
    [CHECKED]: 0.85,
  };
  const held = (values: Readonly<Record<string, number>>) => expectations(rows(values)).map((each) => each.held);

  it('all hold', () => expect(held(all)).toEqual(Array.from({ length: 10 }, () => true)));

  it.each([
    ['supervised-grpo', 0.82, 0],
    ['lmsi', 0.8, 1],
    ['srlm', 0.85, 2],
    ['mm-upt+in-context', 0.78, 5],
    ['mm-upt+direct', 0.7, 6],
    [CHECKED, 0.795, 7],
    ['base', 0.65, 9],
  ])('%s at %f breaks number %i alone', (method, value, at) => {
    expect(held({ ...all, [method]: value })).toEqual(Array.from({ length: 10 }, (_, i) => i !== at));
  });

  it('checked votes far below labels break both of their numbers', () =>
    expect(held({ ...all, [CHECKED]: 0.78 })).toEqual(Array.from({ length: 10 }, (_, i) => i !== 7 && i !== 8)));

  it('pairs the seeds that both methods have, and says where the interval leaves the claim open', () => {
    const all = (a: readonly number[], b: readonly number[]) =>
      rowsOf([
        ...a.map((value, seed) => result('mm-upt', seed, [value, value])),
        ...b.map((value, seed) => result('lmsi', seed, [value, value])),
      ]);
    const clear = expectations(all([0.8, 0.7, 0.9, 0.5], [0.7, 0.61, 0.79]))[1]!;
    expect(clear).toMatchObject({ held: true, withinNoise: false, difference: { n: 3 } });
    expect(clear.difference!.mean).toBeCloseTo(0.1, 12);
    expect(expectationWords(clear)).toBe(
      'held: MM-UPT is above lmsi (72.5 against 70.0; +10.0, 95 % interval 7.5 to 12.5, p 0.003, 3 seeds)',
    );
    const open = expectations(all([0.8, 0.7, 0.9], [0.9, 0.6, 0.8]))[1]!;
    expect([open.held, open.withinNoise]).toEqual([true, true]);
    expect(expectationWords(open)).toMatch(/^held, within noise: /);
    expect(expectations(all([0.8], [0.7]))[1]).toMatchObject({ held: true, withinNoise: false, difference: null });
  });

  it('says what was not run', () => {
    const { base: _, ...rest } = all;
    expect(expectations(rows(rest)).at(-1)).toMatchObject({ held: null, detail: 'base was not run' });
  });
});

describe('cells', () => {
  it('are named by what decides their result, and by nothing else', () => {
    const cell: Cell = { method: 'mm-upt', seed: 0, config: { loop: { maxStaleness: 1, batchGroups: 8 } } };
    const hash = (changed: Partial<Cell> = {}, methodConfig = {}, questions = 320) =>
      cellHash({ ...cell, ...changed }, methodConfig, { ...common, questions });
    expect(hash({ variation: 'a name', config: { loop: { batchGroups: 8, maxStaleness: 1 } } })).toBe(hash());
    const others = [
      hash({ seed: 1 }),
      hash({ method: 'sft' }),
      hash({ config: {} }),
      hash({}, { seed: 3 }),
      hash({}, {}, 321),
    ];
    expect(new Set([hash(), ...others]).size).toBe(6);
  });

  it('merge settings key by key, and replace what has another type', () => {
    const base = { learner: { learningRate: 1e-4, schedule: { type: 'cosine', totalSteps: 9 } }, seed: 1 } as const;
    expect(merged(base, { learner: { schedule: { type: 'constant' } } })).toEqual({
      learner: { learningRate: 1e-4, schedule: { type: 'constant' } },
      seed: 1,
    });
    expect(merged(base, { learner: { schedule: { type: 'cosine', totalSteps: 3 } } }).learner).toEqual({
      learningRate: 1e-4,
      schedule: { type: 'cosine', totalSteps: 3 },
    });
  });

  it('are valid configurations, each method and each variation', () => {
    for (const { config } of METHODS) expect(configSchema.safeParse(config).error).toBeUndefined();
    for (const { config } of VARIATIONS) expect(configSchema.safeParse(config).error).toBeUndefined();
    expect(planOf({ methods: ['lmsi', 'sft'], seeds: [0, 1] }).map(({ method, seed }) => `${method} ${seed}`)).toEqual([
      'sft 0',
      'lmsi 0',
      'sft 1',
      'lmsi 1',
    ]);
    const objectives = planOf({ methods: ['mm-upt'], seeds: [0, 1], objectives: true });
    const others = OBJECTIVES.filter(({ followsAdvantages, name }) => followsAdvantages === true && name !== 'grpo');
    expect(objectives.filter(({ seed }) => seed === 1).map(({ variation }) => variation)).toEqual([
      undefined,
      ...others.map(({ name }) => `objective ${name}`),
    ]);
    const onLadder = planOf({ methods: ['mm-upt', CHECKED], seeds: [0], objectives: true, ladder: true });
    expect(onLadder.map(({ method, variation }) => [method, variation])).toEqual([
      ['mm-upt', undefined],
      [CHECKED, undefined],
      [CHECKED, 'no curriculum'],
      ...others.map(({ name }) => [CHECKED, `objective ${name}`]),
    ]);
    const all = planOf({ methods: ['mm-upt'], seeds: [0], ablations: true, hardData: true });
    const hard = all.filter(({ onHardData }) => onHardData);
    expect(hard.map(({ method }) => method)).toEqual(['base', 'mm-upt', 'mm-upt', 'supervised-grpo']);
    for (const { config } of hard) expect(configSchema.safeParse(config).error).toBeUndefined();
    expect(all).toHaveLength(1 + VARIATIONS.length + hard.length);
    const hashes = all.map((cell) => cellHash(cell, {}, common));
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('tables', () => {
  const results = [
    result('base', 0, [0.5, 0.5]),
    result('mm-upt', 0, [0.8, 0.9]),
    result('mm-upt', 0, [0.4, 0.4], 'G 4, "small" & <odd>'),
  ];
  const tables = { rows: rowsOf(results), expectations: expectations(rowsOf(results)) };

  it('Markdown has a row for each method, and the variations apart', () => {
    const text = markdownOf(tables, common);
    expect(text).toContain('| mm-upt | 1 | no | 80.0 | 90.0 | 85.0 | 10 | 3200 |');
    expect(text).toContain('| G 4, "small" & <odd> | 40.0 | 20.0 | 40.0 | 100.0 |');
    expect(text).toContain('- held: MM-UPT is at least 20 points above the base (85.0 against 50.0).');
    expect(text).toContain('- not tested: MM-UPT is above lmsi (lmsi was not run).');
  });

  it('has hard data in a table of its own, which no expectation reads', () => {
    const hard = (method: string, greedy: number, variation?: string): CellResult => {
      const { suites, cell, ...rest } = result(method, 0, [greedy, greedy], variation);
      return { ...rest, cell: { ...cell, onHardData: true }, suites: { 'hard data': suites['charts']! } };
    };
    const all = [...results, hard('base', 0.1), hard('mm-upt', 0.2), hard('mm-upt', 0.05, 'no share floor')];
    const both = { rows: rowsOf(all), expectations: expectations(rowsOf(all)) };
    expect(both.expectations).toEqual(tables.expectations);
    const [, table] = markdownOf(both, common).split("where the base's vote is mostly wrong.");
    expect(table).toContain('| mm-upt | 20.0 | 10.0 | 20.0 | 100.0 |');
    expect(table).toContain('| mm-upt, no share floor | 5.0 | 2.5 | 5.0 | 100.0 |');
    expect(csvOf(both.rows)).toContain('mm-upt,no share floor,hard data,greedy,1,0.05,');
    expect(htmlOf(both, all, common)).toContain('<h2>Hard data</h2>');
  });

  it('has a table, curves and lines by level where there are levels', () => {
    const levelled = [
      result('base', 0, [0.5, 0.5], undefined, [{ 1: 0.9, 2: 0.4, 10: 0 }]),
      result('lmsi', 0, [0.6, 0.6], undefined, [{ 1: 1, 2: 0.6, 10: 0.25 }]),
    ];
    const rows = rowsOf(levelled);
    const both = { rows, expectations: expectations(rows) };
    const text = markdownOf(both, common);
    expect(text).toContain('| method | 1 | 2 | 10 |');
    expect(text).toContain('| lmsi | 100.0 | 60.0 | 25.0 |');
    expect(csvOf(rows)).toContain('lmsi,,average,greedy at level 10,1,0.25,\n');
    const page = htmlOf(both, levelled, common);
    expect(page).toContain('<h2>By level, greedy</h2>');
    expect(page.match(/<polyline/g)).toHaveLength(4); // two methods by level, two runs over steps
    expect(htmlOf(tables, results, common)).not.toContain('By level');
    expect(markdownOf(tables, common)).not.toContain('by level');
  });

  it('CSV has a line for each number, quoted where needed', () => {
    const lines = csvOf(tables.rows).trim().split('\n');
    expect(lines).toHaveLength(1 + 3 * 3 * 4);
    expect(lines).toContain('mm-upt,,charts,greedy,1,0.8,');
    expect(lines).toContain('mm-upt,"G 4, ""small"" & <odd>",average,passK,1,1,');
  });

  it('HTML stands alone and escapes names', () => {
    const page = htmlOf(tables, results, common);
    expect(page).toContain('G 4, &quot;small&quot; &amp; &lt;odd&gt;');
    expect(page).not.toMatch(/https?:|<script/);
    expect(page.match(/<polyline/g)).toHaveLength(2);
  });
});
