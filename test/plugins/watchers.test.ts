import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPort, type LoopEvent } from '../../src/index.ts';
import jsonl from '../../src/plugins/jsonl.ts';
import prometheus from '../../src/plugins/prometheus.ts';
import tensorboard from '../../src/plugins/tensorboard.ts';
import { crc32c, readEvents } from '../support/event-file.ts';
import { evaluatedEvent, judgedEvent, learntEvent, STEP } from '../support/events.ts';
import { idle, pluginContext } from '../support/plugin-context.ts';

const EVENTS = [
  judgedEvent('4', '4', '5', null),
  judgedEvent('4', '4', '4', '4'),
  learntEvent(1),
  evaluatedEvent(1, 0.75),
];

describe('jsonl', () => {
  async function written(options: object, events: readonly LoopEvent[]) {
    const context = pluginContext<'watch'>();
    const watch = await openPort(jsonl, 'watch', context, options);
    for (const event of events) await watch(event, idle);
    const lines = (name: string) =>
      readFileSync(join(context.folder, name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    return { context, watch, lines };
  }

  test('a line an event, with its time; tokens and log-probabilities are counted, not listed', async () => {
    const before = Date.now();
    const { lines } = await written({}, EVENTS);
    const [judged, , learnt, evaluated] = lines('events.jsonl');
    expect(judged).toMatchObject({
      type: 'judged',
      judged: { verdict: { share: 0.5 }, group: { samples: [{ tokenCount: 1, finish: 'stop' }, {}, {}, {}] } },
    });
    expect(JSON.stringify(judged)).not.toContain('logprobs');
    expect(learnt).toEqual({ at: expect.any(Number) as number, ...EVENTS[2] });
    expect(evaluated).toEqual({ at: expect.any(Number) as number, ...EVENTS[3] });
    for (const { at } of lines('events.jsonl')) expect(at).toBeGreaterThanOrEqual(before);
  });

  test('with tokens, and only the events that are wanted', async () => {
    const { lines } = await written({ tokens: true, events: ['judged'] }, EVENTS);
    expect(lines('events.jsonl')).toEqual([0, 1].map((i) => ({ at: expect.any(Number) as number, ...EVENTS[i] })));
  });

  test('files are bounded in size and number; the newest events stay', async () => {
    const events = Array.from({ length: 100 }, (_, i) => learntEvent(i + 1));
    const { context, lines } = await written({ maxMegabytes: 0.001, maxFiles: 3 }, events);
    const names = ['events.2.jsonl', 'events.1.jsonl', 'events.jsonl'];
    expect(readdirSync(context.folder).sort()).toEqual(names.toSorted());
    for (const name of names) expect(statSync(join(context.folder, name)).size).toBeLessThanOrEqual(1000);
    const kept = names.flatMap(lines).map((line) => (line['version'] as { n: number }).n);
    expect(kept.length).toBeGreaterThan(6);
    expect(kept).toEqual(events.slice(-kept.length).map((_, i) => 100 - kept.length + 1 + i));
  });

  test('it continues its file after a restart', async () => {
    const { context, lines } = await written({}, [learntEvent(1)]);
    await (
      await openPort(jsonl, 'watch', pluginContext<'watch'>({ folder: context.folder }))
    )(learntEvent(2), idle);
    expect(lines('events.jsonl')).toHaveLength(2);
  });

  test.each(['events.jsonl', 'events.1.jsonl'])(
    'a file of something else (%s) is refused and stays as it was',
    async (name) => {
      const context = pluginContext<'watch'>();
      const theirs = join(context.folder, name);
      writeFileSync(theirs, '{"problem":"How many circles?","images":["a.png"]}\n');
      await expect(openPort(jsonl, 'watch', context, {})).rejects.toThrow(
        `options.file: ${theirs} is there, and this plug-in did not make it`,
      );
      expect(readFileSync(theirs, 'utf8')).toContain('How many circles?');
    },
  );

  test('bad options', async () => {
    await expect(written({ events: ['learned'] }, [])).rejects.toThrow('options.events.0');
    await expect(written({ maxFiles: 0 }, [])).rejects.toThrow('options.maxFiles');
  });
});

describe('prometheus', () => {
  const EXPECTED = [
    'quorum_groups_judged_total{verdict="kept"} 1',
    'quorum_groups_judged_total{verdict="all-agree"} 1',
    'quorum_group_vote_share_ratio_bucket{le="0.5"} 1',
    'quorum_group_vote_share_ratio_sum 1.5',
    'quorum_responses_total 8',
    'quorum_response_tokens_total 8',
    'quorum_policy_version 1',
    `quorum_step{metric="gradNorm"} ${STEP.gradNorm}`,
    'quorum_held_out_ratio{measure="greedy"} 0.75',
    'quorum_held_out_ratio{measure="passK"} 1',
  ];

  test('serves what happened, and nothing once it is stopped', async () => {
    const context = pluginContext<'watch'>();
    const watch = await openPort(prometheus, 'watch', context, { port: 0 });
    for (const event of EVENTS) await watch(event, idle);
    const url = /http:\S+/.exec(context.told[0]!)![0];
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect((await response.text()).split('\n')).toEqual(expect.arrayContaining(EXPECTED));
    expect((await fetch(new URL('/', url))).status).toBe(404);
    context.end();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  test('two do not share their counts', async () => {
    const folder = pluginContext<'watch'>().folder;
    const texts = [];
    for (const name of ['one.prom', 'two.prom']) {
      const watch = await openPort(prometheus, 'watch', pluginContext<'watch'>(), { file: join(folder, name) });
      for (const event of EVENTS) await watch(event, idle);
      texts.push(readFileSync(join(folder, name), 'utf8'));
    }
    for (const text of texts) expect(text.split('\n')).toEqual(expect.arrayContaining(EXPECTED));
    expect(readdirSync(folder).sort()).toEqual(['one.prom', 'two.prom']);
  });

  test('it continues its own file after a restart, and refuses any other file', async () => {
    const { folder } = pluginContext<'watch'>();
    const file = join(folder, 'run.prom');
    for (let start = 0; start < 2; start++) {
      const watch = await openPort(prometheus, 'watch', pluginContext<'watch'>(), { file });
      for (const event of EVENTS) await watch(event, idle);
    }
    writeFileSync(file, 'node_time_seconds 1\n');
    await expect(openPort(prometheus, 'watch', pluginContext<'watch'>(), { file })).rejects.toThrow(
      'this plug-in did not make it',
    );
    expect(readFileSync(file, 'utf8')).toBe('node_time_seconds 1\n');
  });

  test.each([
    [{}, 'give either port or file'],
    [{ port: 0, file: 'a.prom' }, 'give either port or file'],
    [{ file: 'metrics.txt' }, 'options.file: must end in .prom'],
    [{ port: 0, host: '203.0.113.1' }, 'cannot listen at options.host 203.0.113.1'],
  ])('bad options %j', async (options, words) => {
    await expect(openPort(prometheus, 'watch', pluginContext<'watch'>(), options)).rejects.toThrow(words);
  });
});

describe('tensorboard', () => {
  test('event files that a reader of the format understands', async () => {
    const context = pluginContext<'watch'>();
    mkdirSync(join(context.folder, 'logs'));
    const before = Date.now() / 1000;
    const watch = await openPort(tensorboard, 'watch', context, { folder: join(context.folder, 'logs') });
    for (const event of [...EVENTS, learntEvent(2)]) await watch(event, idle);
    const [name, ...others] = readdirSync(join(context.folder, 'logs'));
    expect(others).toEqual([]);
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    const events = readEvents(readFileSync(join(context.folder, 'logs', name!)));
    expect(events[0]).toMatchObject({ version: 'brain.Event:2', step: 0 });
    for (const { seconds } of events) expect(seconds).toBeGreaterThanOrEqual(before);
    const learner = Object.fromEntries(Object.entries(STEP).map(([metric, value]) => [`learner/${metric}`, value]));
    // Means of the two groups: 2 and 4 of 4 agree, one of 8 has no answer.
    const groups = {
      'groups/kept': 0.5,
      'groups/vote-share': 0.75,
      'groups/reward': 0.75,
      'groups/response-tokens': 1,
      'groups/no-answer': 0.125,
    };
    expect(events.slice(1)).toMatchObject([
      { step: 1, scalars: { ...learner, ...groups } },
      {
        step: 1,
        scalars: { 'held-out/greedy': 0.75, 'held-out/pass1': 0.25, 'held-out/majK': 0.5, 'held-out/passK': 1 },
      },
      { step: 2, scalars: learner },
    ]);
    expect(events[3]!.scalars).not.toHaveProperty('groups/kept');
  });

  test('each start has a file of its own', async () => {
    const context = pluginContext<'watch'>();
    for (let i = 0; i < 3; i++) await openPort(tensorboard, 'watch', context);
    expect(readdirSync(context.folder)).toHaveLength(3);
  });

  test('the checksum of the reader is CRC-32C', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  test('bad options', async () => {
    await expect(openPort(tensorboard, 'watch', pluginContext<'watch'>(), { logdir: '.' })).rejects.toThrow('logdir');
  });
});
