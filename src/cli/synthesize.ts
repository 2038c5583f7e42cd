/** Writes a data set of questions that a model asks about pictures. It neither reads nor writes labels. */
import { isBuiltIn } from '../data/settings.ts';
import { resolve } from 'node:path';
import { synthesizer } from '../roles/synthesizer.ts';
import type { Config } from '../config/schema.ts';
import type { Columns } from '../data/columns.ts';
import type { Dataset } from '../data/dataset.ts';
import { openData, openOptions, openPaths } from '../data/open.ts';
import { checkEnding, PROVENANCE, provenanceRow, writeDataset, type WriteRow } from '../data/write.ts';
import { Grader } from '../learn/grader.ts';
import { FRUITLESS_BATCHES } from '../learn/synthetic.ts';
import { CancelledError, InputError } from '../protocol/errors.ts';
import { devicesOf } from '../policy/local/devices.ts';
import { openForSampling } from '../policy/local/open.ts';
import { QuestionWriter, voter, type AcceptedQuestion } from './write-questions.ts';

export interface SynthesizeRequest {
  /** Files, folders and patterns to read in full; default: the training part of the configuration's data. */
  readonly data?: readonly string[];
  readonly columns?: Columns;
  /** Default: both, or `direct` where the data set has no questions. */
  readonly mode?: 'direct' | 'in-context' | 'both';
  readonly n: number;
  readonly file: string;
  /** Overwrites pictures in the folder of `file` that have one of our names and other bytes. */
  readonly force?: boolean;
  /** Answers that vote on each question; default: no vote. */
  readonly vote?: number;
}

export interface Synthesized {
  readonly file: string;
  /** Questions in the file, and distinct pictures. */
  readonly questions: number;
  readonly pictures: number;
  /** Questions that the model wrote, and numbers of rejected ones by reason. */
  readonly written: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/**
 * If it ends early, the file still holds the questions accepted so far.
 * @throws InputError for a bad model, data set or file, and when the model writes nothing usable any more;
 * CancelledError.
 */
export async function synthesizeQuestions(
  config: Config,
  request: SynthesizeRequest,
  signal: AbortSignal,
): Promise<Synthesized> {
  const file = resolve(request.file);
  checkEnding(file);
  const train = await openPictures(config, request);
  const mode = request.mode ?? (train.size === 0 ? 'direct' : 'both');
  const started = performance.now();
  await using sampler = await openForSampling(config, undefined, signal);
  await using grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const writer = new QuestionWriter({
    synthesize: synthesizer({
      sampler,
      train,
      config: { seed: config.seed, synthesis: { ...config.synthesis, mode } },
      tell: console.error,
    }),
    settings: config.synthesis,
    lanes: devicesOf(config.workers).rollout.length,
    vote: request.vote === undefined ? undefined : voter(sampler, grader, config, request.vote),
  });
  const rows = rowsOf(writer.questions(request.n, signal), config);
  const first = await rows.next(); // an existing file stays until there is something to write
  const size =
    first.done === true
      ? { questions: 0, pictures: 0 }
      : await writeDataset(file, withFirst(first.value, rows), PROVENANCE, request.force);
  const { written, rejected } = writer.counts;
  const kept =
    size.questions === 0 ? 'nothing is written' : `${size.questions} of ${request.n} questions are in ${file}`;
  if (signal.aborted) throw new CancelledError(`interrupted: ${kept}`);
  if (writer.gaveUp) throw new InputError(`${fruitless(rejected)}; ${kept}`);
  return { file, ...size, written, rejected, seconds: (performance.now() - started) / 1000 };
}

async function openPictures(config: Config, { data, columns }: SynthesizeRequest): Promise<Dataset> {
  const options = { ...openOptions(config.data), picturesAlone: true };
  const own = { ...options, columns: { ...options.columns, ...columns } };
  const train =
    data === undefined || data.some(isBuiltIn)
      ? (await openData(config.data, options)).train
      : (
          await openPaths(
            data.map((path) => resolve(path)),
            own,
          )
        ).dataset;
  if (train.pictures().length === 0)
    throw new InputError(`${data?.join(', ') ?? train.name}: holds no pictures to ask about`);
  return train;
}

/** An interruption ends the rows early instead of throwing. */
async function* rowsOf(
  questions: AsyncIterable<AcceptedQuestion>,
  { model, seed }: Config,
): AsyncGenerator<WriteRow, undefined> {
  try {
    for await (const { question, seed: parent, vote } of questions) {
      yield provenanceRow(question, {
        parent,
        model,
        version: 0,
        seed,
        majority: vote?.majority ?? null,
        share: vote?.share ?? null,
      });
    }
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
  }
  return undefined;
}

async function* withFirst(first: WriteRow, rest: AsyncIterable<WriteRow>): AsyncGenerator<WriteRow> {
  yield first;
  yield* rest;
}

function fruitless(rejected: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(rejected).map(([reason, n]) => `${n} ${reason}`);
  return `the model writes nothing usable: none in the last ${FRUITLESS_BATCHES} batches (rejected in all: ${reasons.join(', ')})`;
}
