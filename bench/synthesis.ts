/**
 * Measures how many questions a second the policy writes, how many pass, and why the others are rejected, with the
 * loop's synthesizer and checks, in both modes.
 */
import { synthesizer } from '../src/roles/synthesizer.ts';
import { QuestionWriter, voter } from '../src/cli/write-questions.ts';
import { parseConfig } from '../src/config/load.ts';
import { openFigures } from '../src/data/figures/dataset.ts';
import { Grader } from '../src/learn/grader.ts';
import { openForSampling } from '../src/policy/local/open.ts';
import type { Row } from './measure.ts';

const QUESTIONS = 256;
/** Written questions when they are also voted on, which takes G answers to each. */
const VOTED = 64;

export async function benchSynthesis(model: string, threads: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const mode of ['direct', 'in-context'] as const) {
    const config = parseConfig({
      model,
      workers: { rolloutThreads: threads },
      synthesis: { mode, batchQuestions: 64 },
    });
    const { dataset: train } = openFigures({ pool: 'train', pictures: 4 * QUESTIONS, questions: 'one' });
    await using sampler = await openForSampling(config);
    await using grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
    const parts = {
      synthesize: synthesizer({ sampler, train, config, tell: console.error }),
      settings: config.synthesis,
      lanes: 1,
    };
    await rate(new QuestionWriter(parts), 1); // compiles the programs
    const name = `synthesis, ${mode}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    rows.push(...rowsOf(name, await rate(new QuestionWriter(parts), QUESTIONS), 'form and duplicates'));
    const vote = voter(sampler, grader, config, config.sampling.samples);
    await rate(new QuestionWriter({ ...parts, vote }), 1);
    rows.push(
      ...rowsOf(
        `${name}, voted on`,
        await rate(new QuestionWriter({ ...parts, vote }), VOTED),
        `the vote of ${config.sampling.samples} too`,
      ),
    );
  }
  return rows;
}

type Rate = QuestionWriter['counts'] & { readonly seconds: number };

async function rate(writer: QuestionWriter, count: number): Promise<Rate> {
  const started = performance.now();
  const { signal } = new AbortController();
  for await (const _ of writer.questions(count, signal)); // the writer counts
  return { ...writer.counts, seconds: (performance.now() - started) / 1000 };
}

function rowsOf(name: string, { written, accepted, rejected, seconds }: Rate, checked: string): Row[] {
  const reasons = Object.entries(rejected).map(([reason, n]) => `${reason} ${((100 * n) / written).toFixed(1)} %`);
  const note = `checked: ${checked}; rejected: ${reasons.join(', ') || 'none'}`;
  return [
    { name: `${name}: written`, value: written / seconds, unit: 'questions/s' },
    { name: `${name}: accepted`, value: accepted / seconds, unit: 'questions/s', note },
    { name: `${name}: acceptance`, value: (100 * accepted) / written, unit: '%' },
  ];
}
