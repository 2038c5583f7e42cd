import { expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import {
  API_VERSION,
  definePlugin,
  type JudgedGroup,
  type Question,
  type SampleReply,
  type SampleRequest,
} from '../../src/index.ts';
import equations from '../../src/plugins/equations.ts';
import premises from '../../src/plugins/premises.ts';
import views from '../../src/plugins/views.ts';
import whole from '../../src/plugins/whole.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

/** By place in the group; most are wrong, and three of them agree. */
const RESPONSES = [
  '3 9 1 3+9=12 12+1=13 \\boxed{13}',
  '3 8 1 3+8=12 12+1=13 \\boxed{13}',
  '3 8 1 3+8=11 \\boxed{13}',
  '3 8 1 3+8=11 11+1=12 \\boxed{12}',
];

const isReading = ({ text }: Question): boolean => text.startsWith('Read the picture');

/** The toy, with work in its responses. */
class Working extends ToyPolicy {
  readonly asked: Question[] = [];

  override async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    this.asked.push(...request.questions);
    const reply = await super.sample(request, signal);
    const groups = reply.groups.map((group, q) =>
      group.map((sample, i) => ({ ...sample, text: textOf(request.questions[q]!, i) })),
    );
    return { ...reply, groups };
  }
}

function textOf(question: Question, i: number): string {
  if (isReading(question)) return '3 8 1';
  return question.pictures[0]?.type === 'disturbed' ? '\\boxed{12}' : RESPONSES[i % RESPONSES.length]!;
}

test('in a loop, checks turn a wrong majority over: each takes the votes that it denies, the first one counts', async () => {
  const judged: JudgedGroup[] = [];
  const policy = new Working();
  const listen = definePlugin({
    name: 'listen',
    apiVersion: API_VERSION,
    ports: { watch: () => (event) => void (event.type === 'judged' && judged.push(event.judged)) },
  });
  const { config } = toyRun({
    data: { type: 'figures' },
    sampling: { samples: 4 },
    loop: { steps: 2, batchGroups: 4, jobQuestions: 2, maxStaleness: 0 },
    plugins: [
      listen,
      equations,
      whole,
      { use: premises, options: { samples: 2 } },
      { use: views, options: { views: 1, samples: 2 } },
    ],
  });
  const { end } = await (await startDaemon(config, { createPolicy: () => policy })).closed();

  expect(end).toBe('steps');
  expect(judged.length).toBeGreaterThanOrEqual(8);
  for (const { group, verdict } of judged) {
    expect(verdict.answers[verdict.classes.indexOf(verdict.winner)]).toBe('12');
    expect([verdict.share, verdict.rewards]).toEqual([1 / 4, [0, 0, 0, 1]]);
    expect(verdict.lost?.by).toEqual({ equations: 1, whole: 1, premises: 1 });
    const votes = group.checks?.map(({ check, findings }) => [check, findings.map(({ vote }) => vote)]);
    expect(votes).toEqual([
      ['equations', [true, false, true, true]],
      ['whole', [true, true, false, true]],
      ['premises', [false, true, true, true]],
      ['views', [false, false, false, true]],
    ]);
  }
  const readings = policy.asked.filter(isReading);
  expect(readings.length).toBeGreaterThanOrEqual(judged.length);
  expect(readings.every(({ verbatim }) => verbatim)).toBe(true);
});
