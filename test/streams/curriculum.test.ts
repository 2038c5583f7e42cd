/** The curriculum in the real loop around a toy, which learns each question by itself. */
import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { listDataset } from '../../src/data/dataset.ts';
import { definePlugin } from '../../src/plugin/define.ts';
import type { Question } from '../../src/protocol/messages.ts';
import type { Store } from '../../src/store/store.ts';
import { digits, memoryStore, rig, type Rig, type RigOptions } from '../support/rig.ts';
import { launchToyHere } from '../support/toy-launch.ts';
import { toyQuestions, ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';
import { toySynthesize } from '../support/toy-synthesizer.ts';

const STEPS = 12;
const CONFIG = {
  seed: 3,
  loop: { steps: STEPS, batchGroups: 6, jobQuestions: 2, maxStaleness: 0, maxOversample: 3 },
  filters: { shareFloor: 0.55 },
  curriculum: { mode: 'on' },
} as const satisfies ConfigInput;

function asked(store: Store): readonly string[] {
  const { groups } = store.findGroups({}, { limit: 5_000 });
  return groups.toReversed().map(({ group }) => group.question.id);
}

async function ran(options: RigOptions): Promise<Rig> {
  const made = await rig(options);
  await made.run();
  expect(made.errors).toEqual([]);
  return made;
}

/** Runs until `count` groups are judged; a loop that learns nothing never comes to its steps. */
async function judged(options: RigOptions, count: number): Promise<Rig> {
  const made = await rig(options);
  let left = count;
  made.events.subscribe(({ type }) => {
    if (type === 'judged' && --left === 0) made.stop();
  });
  await made.run();
  expect(made.errors).toEqual([]);
  return made;
}

const keptShare = ({ store }: Rig) => store.counts().kept / store.counts().judged;
const notesOf = ({ telemetry }: Rig) =>
  telemetry.status().notes.flatMap(({ text }) => (text.includes('the curriculum') ? [text] : []));

describe('the loop with a curriculum', () => {
  test('learns from more of the groups than without, and from the same ones whatever the labels say', async () => {
    const off = await ran({ config: { ...CONFIG, curriculum: { mode: 'off' } }, questions: 400 });
    const on = await ran({ config: CONFIG, questions: 400 });
    expect(keptShare(on)).toBeGreaterThan(1.2 * keptShare(off));
    const labels = { label: (id: string) => String(id.length % 4) };
    const other = await ran({ config: CONFIG, questions: 400, labels });
    expect(other.policy.weights()).toBe(on.policy.weights());
  });

  test.each([1, 3])('in step, the same seed gives the same choices: %i samplers', async (samplers) => {
    const one = await ran({ config: CONFIG });
    const wait = async () => {
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    };
    const other = await ran({ config: CONFIG, samplers, toy: { faults: { beforeSample: wait } } });
    expect(asked(other.store)).toEqual(asked(one.store));
    expect(other.policy.weights()).toBe(one.policy.weights());
    const seeded = await ran({ config: { ...CONFIG, seed: 4 } });
    expect(asked(seeded.store)).not.toEqual(asked(one.store));
  });

  test('chooses the same questions after a restart, and asks no version a question twice', async () => {
    const whole = await ran({ config: CONFIG });
    const { learnt } = whole;
    for (const { groups } of learnt) {
      const ids = groups.map(({ group }) => `${group.policyVersion} ${group.question.id}`);
      expect(new Set(ids).size).toBe(ids.length);
    }
    const store = memoryStore();
    await ran({ config: { ...CONFIG, loop: { ...CONFIG.loop, steps: 5 } }, store });
    const rest = await ran({ config: CONFIG, store });
    expect(asked(store)).toEqual(asked(whole.store));
    expect(rest.policy.weights()).toBe(whole.policy.weights());
    expect(store.curriculum()).toEqual(whole.store.curriculum());
    expect(rest.telemetry.status().curriculum).toMatchObject({ clusters: 2, fresh: expect.any(Number) });
  });

  test('runs ahead of the learner too', async () => {
    const made = await ran({ config: { ...CONFIG, loop: { ...CONFIG.loop, maxStaleness: 2 } }, samplers: 2 });
    expect(made.loop.state.version).toBe(STEPS);
    const rows = made.store.curriculum();
    const { fresh, split, known, lost } = made.telemetry.status().curriculum!;
    expect(fresh + split + known + lost).toBe(rows.questions.length);
    expect(rows.arms.reduce((sum, arm) => sum + arm.asked, 0)).toBe(made.store.counts().judged);
  });

  test('leaves the questions that the model writes to their pool', async () => {
    const made = await ran({
      config: { ...CONFIG, synthesis: { mode: 'direct', share: 0.5, poolQuestions: 12, batchQuestions: 4 } },
      synthesize: toySynthesize,
    });
    const { arms, questions } = made.store.curriculum();
    expect(questions.every(({ id }) => id.startsWith('toy-'))).toBe(true);
    const ofData = asked(made.store).filter((id) => id.startsWith('toy-'));
    expect(arms.reduce((sum, arm) => sum + arm.asked, 0)).toBe(ofData.length);
    expect(ofData.length).toBeLessThan(asked(made.store).length);
  });

  test('chooses among the questions of a plug-in, whose ids may stand for other questions later', async () => {
    let given = 0;
    const source = definePlugin({
      name: 'source',
      apiVersion: 1,
      ports: {
        ask:
          () =>
          async ({ count }) =>
            Array.from({ length: count }, (): Question => ({
              id: `own-${given % 5}`,
              text: `question ${given++}`,
              pictures: [],
              origin: 'plugin',
            })),
      },
    });
    const { config, folder } = toyRun({ ...CONFIG, plugins: [source] });
    const { sampled, learnt } = await launchToyHere(config);
    expect(learnt.length).toBe(STEPS);
    expect(folder).not.toBe('');
    const texts = new Map<string, string>();
    for (const { id, text } of sampled) {
      expect(texts.get(id) ?? text).toBe(text);
      texts.set(id, text);
    }
    expect(texts.size).toBeGreaterThan(20);
    expect(sampled.length).toBeGreaterThan(texts.size); // it returned to some
  });
});

describe('questions among which there is nothing to choose', () => {
  const small = { ...CONFIG, loop: { ...CONFIG.loop, batchGroups: 4 } };

  test('all known: it says so once and asks them in turn', async () => {
    const made = await judged({ config: small, questions: 12, toy: { edge: 40 } }, 60);
    expect(notesOf(made)).toEqual([
      'all 12 questions are known: the curriculum asks them in turn, those asked the longest ago first',
    ]);
    expect(made.telemetry.status().curriculum?.nothing).toBe(notesOf(made)[0]);
    for (let round = 0; round < 5; round++)
      expect(new Set(asked(made.store).slice(12 * round, 12 * round + 12)).size).toBe(12);
  });

  test('none with a trusted vote: the same', async () => {
    const config = { ...small, filters: { shareFloor: 1 } };
    const made = await judged({ config, questions: 12, toy: { edge: 0, answers: 8 } }, 60);
    expect(notesOf(made)).toEqual([
      'none of 12 questions has a trusted vote: the curriculum asks them in turn, those asked the longest ago first',
    ]);
    expect(made.telemetry.status().curriculum?.nothing).toBe(notesOf(made)[0]);
    expect(new Set(asked(made.store)).size).toBe(12);
  });

  test.each([0, 2])('one question, staleness %i', async (maxStaleness) => {
    const config = { ...small, loop: { ...small.loop, maxStaleness } };
    const made = await judged({ config, questions: 1, toy: { edge: 40 } }, 20);
    expect(new Set(asked(made.store))).toEqual(new Set(['toy-0']));
    expect(notesOf(made)[0]).toBe('the one question is known: the curriculum asks it again');
    expect(made.telemetry.status().curriculum).toMatchObject({
      clusters: 1,
      fresh: 0,
      known: 1,
      nothing: notesOf(made)[0],
    });
  });

  test('one question without a trusted vote', async () => {
    const config = { ...small, filters: { shareFloor: 1 } };
    const made = await judged({ config, questions: 1, toy: { edge: 0, answers: 8 } }, 20);
    expect(notesOf(made)).toEqual(['the one question has no trusted vote: the curriculum asks it again']);
  });

  test('one kind: it says that it chooses by the last outcome alone', async () => {
    const train = listDataset(
      'toy',
      toyQuestions(24).map((question) => ({ ...question, kind: 'even' })),
    );
    const policy = new ToyPolicy();
    const heldOut = listDataset('held-out', toyQuestions(16, 'heldout'));
    const made = await ran({ config: small, other: { policy, train, heldOut, grader: digits } });
    expect(notesOf(made)).toContain(
      'all 24 questions are of one kind: the curriculum chooses by the last outcome alone',
    );
    expect(made.telemetry.status().version).toBe(STEPS); // it continues
  });
});
