import { expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { definePlugin, type JudgedGroup } from '../../src/index.ts';
import jigsaw from '../../src/plugins/jigsaw.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

/** The toy answers 0 to 3: 0 where the piece at the first place came first, row by row, and 1 where the other did. */
const OPTIONS = {
  levels: ['2x1', '2x2'],
  share: 0.5,
  threshold: 0.2,
  window: 4,
  relations: ['0', '1', '0', '1', '0', '0', '1', '1'],
  pictures: ['/nowhere/a.png', '/nowhere/b.png'],
};

/** The rule, written once more. */
function truth({ group }: JudgedGroup): string {
  const [picture] = group.question.pictures;
  const [first, second] = group.question.id.split('/')[3]!.split('-').map(Number) as [number, number];
  if (picture?.type !== 'rearranged') throw new Error(`${group.question.id} has no jigsaw`);
  const { order, columns } = picture;
  const [one, other] = [order[first - 1]!, order[second - 1]!];
  const sameRow = Math.floor(one / columns) === Math.floor(other / columns);
  return (sameRow ? one % columns < other % columns : one < other) ? '0' : '1';
}

test('in a loop: asks its share, rewards what it asked and nothing else, and rises a level that stays after a restart', async () => {
  const judged: JudgedGroup[] = [];
  const listen = definePlugin({
    name: 'listen',
    apiVersion: 1,
    ports: { watch: () => (event) => void (event.type === 'judged' && judged.push(event.judged)) },
  });
  const filters = { shareFloor: 0.9 };
  const run = (steps: number, folder?: string) =>
    toyRun(
      {
        loop: { steps, batchGroups: 4, jobQuestions: 2, maxStaleness: 0 },
        filters,
        plugins: [{ use: jigsaw, options: OPTIONS }, listen],
      },
      folder,
    );
  const first = run(8);
  expect(await (await startDaemon(first.config, { createPolicy: () => new ToyPolicy() })).closed()).toMatchObject({
    end: 'steps',
    steps: 8,
  });

  const ours = judged.filter(({ group }) => group.question.origin === 'plugin');
  expect(Math.abs(2 * ours.length - judged.length)).toBeLessThanOrEqual(1);
  for (const each of ours) {
    const { answers, rewards, dropped } = each.verdict;
    expect(rewards).toEqual(
      answers.map((answer) => (answer === truth(each) ? 1.5 : answer === '0' || answer === '1' ? 0.5 : 0)),
    );
    // The rule knows: whether the vote can be trusted does not matter.
    expect([undefined, 'equal-rewards', 'all-agree']).toContain(dropped);
  }
  const theirs = judged.filter(({ group }) => group.question.origin === 'dataset');
  expect(theirs.some(({ verdict }) => verdict.dropped === 'share-floor')).toBe(true);
  for (const { verdict } of theirs)
    expect(verdict.rewards).toEqual(verdict.classes.map((own) => Number(own === verdict.winner)));

  const last = ours.at(-1)!.group.question.kind;
  expect([ours[0]!.group.question.kind, last]).toEqual([expect.stringMatching(/2x1|1x2/), 'jigsaw/pair/2x2']);
  judged.length = 0;
  const again = run(10, first.folder);
  const hooks = {
    createPolicy: (_: unknown, { checkpoint }: { checkpoint?: { version: number; folder: string } }) =>
      new ToyPolicy(checkpoint ? { checkpoint } : {}),
  };
  expect(await (await startDaemon(again.config, hooks)).closed()).toMatchObject({ end: 'steps', steps: 10 });
  const kinds = new Set(judged.map(({ group }) => group.question.kind).filter((kind) => kind?.startsWith('jigsaw')));
  expect(kinds).toEqual(new Set(['jigsaw/pair/2x2']));
});
