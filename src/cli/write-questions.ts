/**
 * Questions that a model writes and that pass what the loop lets pass, outside the loop: the same synthesizer, the same
 * checks, the same vote.
 */
import type { Config } from '../config/schema.ts';
import { judge, type Classifier } from '../learn/judge.ts';
import { FRUITLESS_BATCHES, screen, type SyntheticOptions } from '../learn/synthetic.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { Question, Verdict } from '../protocol/messages.ts';
import type { Synthesize, Written } from '../protocol/ports.ts';
import { judgeOptions } from '../roles/voter.ts';

/** The base: commands have no other version. */
const VERSION = 0;

export interface AcceptedQuestion {
  readonly question: Question;
  readonly seed: Question | null;
  /** Null without a vote. */
  readonly vote: { readonly majority: string | null; readonly share: number } | null;
}

export interface QuestionWriterParts {
  readonly synthesize: Synthesize;
  readonly settings: Pick<Config['synthesis'], 'batchQuestions'> & SyntheticOptions;
  /** Number of batches written concurrently. */
  readonly lanes: number;
  /** The vote on questions, parallel to them; without it they are only read. */
  readonly vote?: ((questions: readonly Question[], signal: AbortSignal) => Promise<readonly Verdict[]>) | undefined;
}

export class QuestionWriter {
  readonly #parts: QuestionWriterParts;
  /** Texts that passed the checks, by pictures, so that none is voted on twice. */
  readonly #texts = new Map<string, string[]>();
  readonly #rejected: Record<string, number> = {};
  #written = 0;
  #accepted = 0;
  #fruitless = 0;

  constructor(parts: QuestionWriterParts) {
    this.#parts = parts;
  }

  /** Of what was looked at: what the last batches held beyond the last question taken does not count. */
  get counts(): {
    readonly written: number;
    readonly accepted: number;
    readonly rejected: Readonly<Record<string, number>>;
  } {
    return { written: this.#written, accepted: this.#accepted, rejected: this.#rejected };
  }

  /** Whether it ended because `FRUITLESS_BATCHES` in a row had no usable question. */
  get gaveUp(): boolean {
    return this.#fruitless >= FRUITLESS_BATCHES;
  }

  /** At most `count` questions, deterministic; fewer when the model writes no more usable ones. */
  async *questions(count: number, signal: AbortSignal): AsyncGenerator<AcceptedQuestion> {
    const { synthesize, settings, lanes } = this.#parts;
    const size = settings.batchQuestions;
    for (let from = 0; this.#accepted < count && !this.gaveUp; from += lanes * size) {
      const requests = Array.from({ length: lanes }, (_, lane) => ({
        from: from + lane * size,
        count: size,
        version: VERSION,
      }));
      const batches = await Promise.all(requests.map((request) => synthesize(request, signal)));
      for (const batch of batches) {
        const before = this.#accepted;
        yield* this.#sift(batch, count, signal);
        if (this.#accepted >= count) return;
        this.#fruitless = this.#accepted > before ? 0 : this.#fruitless + 1;
        if (this.gaveUp) return;
      }
    }
  }

  async *#sift(batch: readonly Written[], count: number, signal: AbortSignal): AsyncGenerator<AcceptedQuestion> {
    const read = batch.map((written) => ({ ...this.#read(written), seed: written.seed }));
    const passed = read.filter(({ rejection }) => rejection === undefined);
    const verdicts =
      passed.length > 0
        ? await this.#parts.vote?.(
            passed.map(({ question }) => question),
            signal,
          )
        : undefined;
    for (const { question, seed, rejection } of read) {
      const verdict =
        rejection === undefined ? verdicts?.[passed.findIndex((other) => other.question === question)] : undefined;
      const reason = rejection ?? verdict?.dropped;
      this.#written += 1;
      if (reason !== undefined) {
        this.#rejected[reason] = (this.#rejected[reason] ?? 0) + 1;
        continue;
      }
      this.#accepted += 1;
      yield { question, seed, vote: verdict ? { majority: majority(verdict), share: verdict.share } : null };
      if (this.#accepted >= count) return;
    }
  }

  #read(written: Written): ReturnType<typeof screen> {
    const key = JSON.stringify(written.question.pictures);
    const about = this.#texts.get(key) ?? [];
    const result = screen(written, about, this.#parts.settings);
    if (result.rejection === undefined) this.#texts.set(key, [...about, result.question.text]);
    return result;
  }
}

function majority({ answers, classes, winner }: Verdict): string | null {
  return winner < 0 ? null : (answers[classes.indexOf(winner)] ?? null);
}

/** The loop's own vote and filters, so that what passes is what the loop would learn from. */
export function voter(
  sampler: Pick<Sampler, 'sample'>,
  grader: Classifier,
  { sampling, seed, filters }: Config,
  samples: number,
) {
  return async (questions: readonly Question[], signal: AbortSignal): Promise<readonly Verdict[]> => {
    const { groups } = await sampler.sample(
      { questions, params: { ...sampling, samples }, seed, version: VERSION },
      signal,
    );
    return Promise.all(
      questions.map((question, i) => {
        const group = { id: question.id, sequence: i, question, policyVersion: VERSION, samples: groups[i]! };
        return judge(group, grader, judgeOptions(filters));
      }),
    );
  };
}
