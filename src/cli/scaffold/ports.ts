/**
 * The templates of `quorum plugin new`, one per port: a plug-in that does something, and a test that fails if it does
 * not.
 */
import type { PortName } from '../../protocol/ports.ts';

export interface PortTemplate {
  /** Description for the README. */
  readonly does: string;
  /** Properties of the options' schema. */
  readonly options?: string;
  readonly imports?: string;
  /** The port's opener. */
  readonly port: string;
  /** Body of the test; `kit` is open. */
  readonly test: string;
}

export const TEMPLATES: Readonly<Record<PortName, PortTemplate>> = {
  check: {
    does: 'takes the vote from responses of more than `maxTokens` tokens',
    options: `maxTokens: z.int().positive().default(64).describe('Longest response that has a vote.')`,
    port: `({ options }) =>
      ({ group }) =>
        group.samples.map(({ tokens }) =>
          tokens.length > options.maxTokens ? { vote: false, why: 'too long' } : { vote: true },
        )`,
    test: `const [request] = recorded.requests.check;
  const long = request!.group.samples.map((sample) => ({ ...sample, tokens: Array.from({ length: 65 }, () => 1) }));
  expect(await kit.ports.check(request!)).toContainEqual({ vote: true });
  expect(await kit.ports.check({ ...request!, group: { ...request!.group, samples: long } })).toContainEqual({
    vote: false,
    why: 'too long',
  });`,
  },
  reward: {
    does: 'multiplies the vote by `weight`',
    options: `weight: z.number().positive().default(1).describe('What a vote for the winner earns.')`,
    port: `({ options }) => ({ votes }) => votes.map((vote) => options.weight * vote)`,
    test: `for (const { request, reply } of await kit.play('reward')) expect(reply).toEqual(request.votes);`,
  },
  advantage: {
    does: 'takes the mean of the group from each reward',
    port: `() =>
      ({ rewards }) => {
        const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
        return rewards.map((reward) => reward - mean);
      }`,
    test: `for (const { reply } of await kit.play('advantage')) expect(reply.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0);`,
  },
  filter: {
    does: 'drops groups in which more than `maxCutOff` responses were cut off at the longest length',
    options: `maxCutOff: z.int().min(0).default(2).describe('Responses that may be cut off.')`,
    port: `({ options }) =>
      ({ group }) => {
        const cutOff = group.samples.filter(({ finish }) => finish === 'length').length;
        return cutOff > options.maxCutOff ? \`\${cutOff} responses were cut off\` : undefined;
      }`,
    test: `const [judged] = recorded.requests.filter;
  const cut = judged!.group.samples.map((sample) => ({ ...sample, finish: 'length' as const }));
  expect(await kit.ports.filter({ ...judged!, group: { ...judged!.group, samples: cut } })).toContain('were cut off');
  expect(await kit.ports.filter(judged!)).toBeUndefined();`,
  },
  ask: {
    does: "asks the run's own questions with `words` before them",
    options: `words: z.string().min(1).default('Look closely.').describe('Put before each question.')`,
    port: `({ options, next }) =>
      async (request, signal) => {
        const questions = await next(request, signal);
        return questions.map((question) => ({ ...question, text: \`\${options.words} \${question.text}\`, origin: 'plugin' }));
      }`,
    test: `for (const { request, reply } of await kit.play('ask')) {
    expect(reply).toHaveLength(request.count);
    for (const { text } of reply) expect(text).toMatch(/^Look closely\\. /);
  }`,
  },
  sample: {
    does: 'has the run sample, with at most `maxNewTokens` tokens a response',
    options: `maxNewTokens: z.int().positive().default(32).describe('Longest response.')`,
    port: `({ options, next }) =>
      (request, signal) => {
        const maxNewTokens = Math.min(options.maxNewTokens, request.params.maxNewTokens);
        return next({ ...request, params: { ...request.params, maxNewTokens } }, signal);
      }`,
    test: `for (const { request, reply } of await kit.play('sample')) expect(reply.groups).toHaveLength(request.questions.length);`,
  },
  judge: {
    does: 'drops groups of which the vote share is below `floor`',
    options: `floor: z.number().min(0).max(1).default(0.25).describe('Smallest vote share that is learnt from.')`,
    port: `({ options, next }) =>
      async (group, signal) => {
        const verdict = await next(group, signal);
        return verdict.share < options.floor ? { ...verdict, kept: false, dropped: 'share-floor' } : verdict;
      }`,
    test: `for (const { reply } of await kit.play('judge')) if (reply.share < 0.25) expect(reply.kept).toBe(false);
  expect(kit.state('judge')).toMatchObject({ state: 'running', restarts: 0 });`,
  },
  learn: {
    does: 'has the run learn, and tells what came of it',
    port: `({ next, tell }) =>
      async (batch, signal) => {
        const reply = await next(batch, signal);
        tell(\`version \${reply.version.n}: loss \${reply.metrics.loss.toFixed(4)}\`);
        return reply;
      }`,
    test: `const played = await kit.play('learn');
  expect(kit.told).toHaveLength(played.length);`,
  },
  evaluate: {
    does: 'has the run evaluate, and tells the accuracy',
    port: `({ next, tell }) =>
      async (request, signal) => {
        const evaluation = await next(request, signal);
        const { version, greedy } = evaluation;
        tell(\`version \${version}: \${greedy === null ? 'no labels' : \`\${(100 * greedy).toFixed(1)} %\`}\`);
        return evaluation;
      }`,
    test: `const played = await kit.play('evaluate');
  expect(kit.told).toHaveLength(played.length);`,
  },
  synthesize: {
    does: 'has the model write questions, and passes on those of at most `maxWords` words',
    options: `maxWords: z.int().positive().default(30).describe('Longest question.')`,
    port: `({ options, next }) =>
      async (request, signal) => {
        const written = await next(request, signal);
        return written.filter(({ question }) => question.text.split(/\\s+/).length <= options.maxWords);
      }`,
    test: `for (const { request, reply } of await kit.play('synthesize')) expect(reply.length).toBeLessThanOrEqual(request.count);`,
  },
  watch: {
    does: 'tells how many responses agreed, at each version',
    port: `({ tell }) => {
      let shares: number[] = [];
      return (event) => {
        if (event.type === 'judged') shares.push(event.judged.verdict.share);
        if (event.type !== 'learnt') return;
        const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
        tell(\`version \${event.version.n}: mean vote share \${mean.toFixed(2)}\`);
        shares = [];
      };
    }`,
    test: `await kit.play('watch');
  expect(kit.told).toHaveLength(recorded.versions.length);`,
  },
  export: {
    does: 'writes what was learnt to `records.jsonl` in its folder',
    imports: `import { appendFileSync } from 'node:fs';\nimport { join } from 'node:path';\n`,
    port: `({ folder }) =>
      ({ records }) => {
        const lines = records.map((record) => \`\${JSON.stringify(record)}\\n\`);
        appendFileSync(join(folder, 'records.jsonl'), lines.join(''));
      }`,
    test: `await kit.play('export');
  const [page] = recorded.requests.export;
  const lines = readFileSync(join(kit.folder, 'records.jsonl'), 'utf8').trim().split('\\n');
  expect(lines).toHaveLength(page!.records.length);`,
  },
  panel: {
    does: 'shows how many questions and pictures the run has',
    port: `({ questions }) =>
      () => ({
        title: 'Questions',
        blocks: [
          {
            type: 'numbers',
            rows: [
              { name: 'questions', value: questions.size },
              { name: 'pictures', value: questions.pictures().length },
            ],
          },
        ],
      })`,
    test: `const { blocks } = await kit.ports.panel();
  expect(blocks[0]).toMatchObject({ rows: [{ name: 'questions', value: recorded.questions.length }, {}] });`,
  },
};
