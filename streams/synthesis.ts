/**
 * Runs parallel to the loop: the policy writes questions about its pictures, and accepted ones are asked like any
 * other. Every stage of a question is durable, so a killed loop continues with the same pool. At staleness 0 the pool
 * is filled in step with the loop, so the result does not depend on timing; otherwise while the samplers work.
 */
import { Random } from '../src/data/rng.ts';
import { FRUITLESS_BATCHES, screen } from '../src/learn/synthetic.ts';
import { CancelledError, InputError } from '../src/protocol/errors.ts';
import type { JudgedGroup, Question } from '../src/protocol/messages.ts';
import type { Synthesize, Written } from '../src/protocol/ports.ts';
import type { PoolChange } from '../src/store/synthetic-pool.ts';
import type { Performer } from '../src/protocol/performer.ts';
import { writing } from '../src/roles/synthesizer.ts';
import type { Loop } from './loop.ts';
import { ConditionVariable } from './condition-variable.ts';
import { pause } from './pause.ts';
import { QuestionPool } from './question-pool.ts';
import type { Resumed } from './resume.ts';

/** Count of all questions requested so far; it seeds the next ones. */
const CURSOR = 'synthesis.cursor';
/** The wait after a batch when many in a row held nothing usable and there is no other question. */
const FRUITLESS_MILLISECONDS = 1_000;

export class Synthesis {
  readonly #loop: Pick<Loop, 'parts' | 'state'>;
  readonly #synthesizer: Performer<Synthesize>;
  readonly #pool: QuestionPool;
  readonly #changes: ConditionVariable;
  /** Judged, but not yet back in the pool. */
  #settled: readonly { readonly id: string; readonly kept: boolean }[] = [];
  #version: number;
  #refilling: Promise<void> | undefined;
  readonly #rejected: Record<string, number>;
  #seen: number;
  #accepted: number;
  #fruitless = 0;

  constructor(
    loop: Pick<Loop, 'parts' | 'state'>,
    synthesizer: Performer<Synthesize>,
    resumed: Pick<Resumed, 'unsampled' | 'unjudged' | 'unbatched'>,
  ) {
    this.#loop = loop;
    this.#version = loop.state.version;
    this.#changes = new ConditionVariable(loop.state.stop);
    this.#synthesizer = synthesizer;
    const judged = this.#inStep ? resumed.unbatched.map(({ group }) => group.question.id) : [];
    const inHand = [...resumed.unsampled, ...resumed.unjudged].map(({ question }) => question.id);
    const { poolQuestions: capacity, maxUses } = loop.parts.config.synthesis;
    this.#pool = new QuestionPool(loop.parts.store.pool(), { capacity, maxUses }, [...inHand, ...judged]);
    this.#settled = judged.map((id) => ({ id, kept: true }));
    const { written, accepted, rejected } = loop.parts.store.syntheticCounts();
    [this.#seen, this.#accepted, this.#rejected] = [written, accepted, { ...rejected }];
    this.#show();
  }

  /** Share of the questions admitted at `version` that are to be synthetic. */
  shareAt(version: number): number {
    const { share, rampSteps } = this.#loop.parts.config.synthesis;
    return rampSteps === 0 ? share : share * Math.min(1, version / rampSteps);
  }

  /**
   * The questions to admit from sequence number `from` on: some of `asked`, in their order, give way to synthetic ones.
   * Without `asked` (a data set of pictures alone) it waits for synthetic ones. The change to the pool is for the
   * transaction that admits them.
   */
  async mix(
    from: number,
    count: number,
    asked: readonly Question[] | undefined,
    version: number,
  ): Promise<{ questions: readonly Question[]; change: PoolChange }> {
    const wanted =
      asked === undefined
        ? Array.from({ length: count }, () => true)
        : asked.map((_, i) => this.#isSynthetic(from + i, version));
    const need = wanted.filter(Boolean).length;
    if (version !== this.#version) this.#giveBack();
    this.#version = version;
    if (asked === undefined) await this.#waitForOne();
    else if (this.#inStep) await this.#tryFor(need);
    const taken = this.#pool.take(need);
    if (!this.#inStep) this.#refill().catch(() => {}); // callers that wait for questions get the error
    this.#show();
    const left = [...taken];
    const questions = wanted.flatMap((synthetic, i) =>
      synthetic && left.length > 0 ? [left.shift()!.question] : asked === undefined ? [] : [asked[i]!],
    );
    return { questions, change: { put: taken } };
  }

  /** Synthetic questions of these groups return to the pool, or leave it with the reason. */
  judged(groups: readonly JudgedGroup[]): void {
    const remove: string[] = [];
    const rejected: { question: Question; reason: string }[] = [];
    for (const { group, verdict } of groups) {
      const { question } = group;
      if (!this.#pool.has(question.id)) continue;
      if (this.#pool.leaves(question.id, verdict.kept)) remove.push(question.id);
      this.#settled = [...this.#settled, { id: question.id, kept: verdict.kept }];
      if (verdict.dropped !== undefined) rejected.push({ question, reason: verdict.dropped });
    }
    if (remove.length > 0 || rejected.length > 0) this.#loop.parts.store.changePool({ remove, rejected });
    this.#count(rejected);
    if (!this.#inStep) this.#giveBack();
    this.#changes.moved();
    this.#show();
  }

  /**
   * In step only between versions: else it would depend on timing what the pool holds when the next ones are admitted.
   */
  #giveBack(): void {
    for (const { id, kept } of this.#settled) this.#pool.judged(id, kept);
    this.#settled = [];
  }

  get #inStep(): boolean {
    return this.#loop.parts.config.loop.maxStaleness === 0;
  }

  #isSynthetic(sequence: number, version: number): boolean {
    return new Random(this.#loop.parts.config.seed, 'origin', sequence).chance(this.shareAt(version));
  }

  /** Resolves when `count` questions may be asked, or after a bounded number of tries. */
  async #tryFor(count: number): Promise<void> {
    for (let tries = 0; this.#pool.available < count && tries < FRUITLESS_BATCHES; tries++) await this.#refill();
  }

  /** Until a question may be asked: there is no other. */
  async #waitForOne(): Promise<void> {
    const { stop } = this.#loop.state;
    while (this.#pool.available === 0) {
      if (stop.aborted) throw new CancelledError('stopped waiting for synthetic questions');
      if (this.#pool.room === 0) {
        // All that the pool can hold is being asked.
        await this.#changes.when(
          () => this.#pool.room > 0 || this.#settled.length >= this.#loop.parts.config.synthesis.poolQuestions,
          () => this.#giveBack(),
        );
        continue;
      }
      await this.#refill();
      if (this.#fruitless >= FRUITLESS_BATCHES) await pause(FRUITLESS_MILLISECONDS, stop);
    }
  }

  /** At most one batch is in flight, shared by all callers; none is started while the pool is full. */
  #refill(): Promise<void> {
    const { batchQuestions, poolQuestions } = this.#loop.parts.config.synthesis;
    const count = Math.min(batchQuestions, this.#pool.room);
    if (this.#refilling === undefined && count > 0 && this.#pool.available + count <= poolQuestions) {
      this.#refilling = this.#write(count).finally(() => (this.#refilling = undefined));
    }
    return this.#refilling ?? Promise.resolve();
  }

  async #write(count: number): Promise<void> {
    const { store, telemetry, config } = this.#loop.parts;
    const { synthesis } = config;
    const from = (store.meta(CURSOR) as number | undefined) ?? 0;
    const written = await this.#written(from, count);
    const put: Question[] = [];
    const remove: string[] = [];
    const rejected: { question: Question; reason: string }[] = [];
    for (const each of written) {
      const { question, rejection: reason } = screen(each, this.#pool.textsAbout(each.question.pictures), synthesis);
      if (reason === undefined) {
        remove.push(...this.#pool.add(question));
        if (this.#pool.has(question.id)) put.push(question);
      } else rejected.push({ question: each.question, reason });
    }
    store.transaction(() => {
      store.setMeta(CURSOR, from + count);
      store.changePool({
        put: put.filter(({ id }) => this.#pool.has(id)).map((question) => ({ question, uses: 0 })),
        remove,
        rejected,
      });
    });
    this.#seen += written.length;
    this.#accepted += put.length;
    this.#count(rejected);
    this.#show();
    this.#fruitless = put.length > 0 ? 0 : this.#fruitless + 1;
    if (this.#fruitless === FRUITLESS_BATCHES)
      telemetry.note(`the model writes no question that can be used (the last: ${lastWords(written)})`);
  }

  /** Empty, with a note, when the policy cannot be asked: a missing picture, a prompt that is too long. */
  async #written(from: number, count: number): Promise<readonly Written[]> {
    const { policy, config, telemetry } = this.#loop.parts;
    const { stop, version } = this.#loop.state;
    policy.retain(version);
    try {
      return await this.#synthesizer.perform({ ...writing({ from, count, version }, config.timeouts), signal: stop });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      telemetry.note(`questions could not be written: ${error.message}`);
      return [];
    } finally {
      policy.release(version);
    }
  }

  #count(rejected: readonly { readonly reason: string }[]): void {
    for (const { reason } of rejected) this.#rejected[reason] = (this.#rejected[reason] ?? 0) + 1;
  }

  #show(): void {
    const { parts, state } = this.#loop;
    const [written, accepted, rejected] = [this.#seen, this.#accepted, { ...this.#rejected }];
    const share = parts.hasQuestions ? this.shareAt(state.version) : 1;
    parts.telemetry.synthesis({ written, accepted, rejected, pool: this.#pool.size, share });
  }
}

function lastWords(written: readonly Written[]): string {
  const text = written.at(-1)?.question.text;
  return text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 80));
}
