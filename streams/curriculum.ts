/**
 * Runs with the loop: reads ahead in the source of questions, whatever it is, and chooses by the verdicts so far which
 * of the questions read to ask next. All that it knows is stored with the admissions and verdicts that it comes from,
 * so a killed loop chooses as it would have. At staleness 0 the same seed gives the same choices.
 */
import { clusterOf } from '../src/data/clusters.ts';
import { loadPicture } from '../src/data/picture.ts';
import { Random } from '../src/data/rng.ts';
import { Curriculum, READ_AHEAD } from '../src/learn/curriculum/curriculum.ts';
import { outcomeOf } from '../src/learn/curriculum/outcome.ts';
import type { Remembered } from '../src/protocol/curriculum.ts';
import { CancelledError } from '../src/protocol/errors.ts';
import type { JudgedGroup, Question } from '../src/protocol/messages.ts';
import type { CurriculumChange } from '../src/store/curriculum-rows.ts';
import type { Admission } from '../src/store/store.ts';
import { curriculumStatus, nothingToChoose } from './curriculum-status.ts';
import type { Loop } from './loop.ts';
import type { Resumed } from './resume.ts';

/** Number of questions read from the source. */
const CURSOR = 'curriculum.cursor';
const MOST_QUESTIONS = 100_000;
/** Pictures decoded at once. */
const AT_ONCE = 8;

/** Questions of the source from number `from` on, at most `count`. */
export type Source = (from: number, count: number) => Promise<readonly Question[]>;

export interface Chosen {
  readonly questions: readonly Question[];
  /** For the transaction that admits them. */
  readonly keep: (admitted: readonly Admission[]) => void;
}

export class CurriculumStage {
  readonly #loop: Pick<Loop, 'parts' | 'state' | 'effects'>;
  readonly #curriculum: Curriculum;
  #isWhole = false;
  readonly #said = new Set<string>();

  constructor(loop: Pick<Loop, 'parts' | 'state' | 'effects'>, resumed: Pick<Resumed, 'unsampled' | 'unjudged'>) {
    this.#loop = loop;
    const { store, config } = loop.parts;
    const { target, exploreShare: explore, halfLifeSteps: halfLife } = config.curriculum;
    const asked = [...resumed.unsampled, ...resumed.unjudged].map(({ question }) => question.id);
    const options = { target, explore, halfLife, most: MOST_QUESTIONS };
    this.#curriculum = new Curriculum(options, store.curriculum(), asked);
    this.#show();
  }

  /** Chooses `count` questions, or as many as there are, for the sequence numbers from `from` on. */
  async choose(from: number, count: number, source: Source): Promise<Chosen> {
    const { store, config } = this.#loop.parts;
    const cursor = Math.max((store.meta(CURSOR) as number | undefined) ?? 0, from);
    const read = await source(cursor, READ_AHEAD * count);
    const change = await this.#remember(read, cursor);
    this.#isWhole = change.add?.length === 0;
    const random = new Random(config.seed, 'curriculum', from);
    const request = { from, count, version: this.#loop.state.version };
    const { questions, expected } = this.#curriculum.choose(request, () => random.float());
    const added = new Map(change.add?.map(({ id, question }) => [id, question]));
    return {
      questions: questions.map(({ id }) => added.get(id) ?? store.curriculumQuestion(id)!),
      keep: (admitted) => {
        store.changeCurriculum(change);
        store.setMeta(CURSOR, cursor + read.length);
        const ids = admitted.map(({ question }) => question.id);
        this.#curriculum.admitted(ids, expected);
        this.#show();
      },
    };
  }

  /** Call within the transaction that stores the verdicts. */
  judged(groups: readonly JudgedGroup[]): void {
    const { store, config } = this.#loop.parts;
    const floor = Math.max(config.filters.shareFloor, this.#loop.state.shareFloor);
    const changes = groups.flatMap(({ group, verdict }) => {
      const outcome = outcomeOf({ group, verdict }, floor);
      const { sequence, policyVersion: version, question } = group;
      return this.#curriculum.judged({ id: question.id, sequence, version, outcome, kept: verdict.kept }) ?? [];
    });
    const [move, arms] = [changes.map(({ question }) => question), changes.map(({ arm }) => arm)];
    store.changeCurriculum({ move, arms });
    this.#tell(this.#show());
  }

  async #remember(read: readonly Question[], cursor: number): Promise<CurriculumChange> {
    const news = new Map(read.filter(({ id }) => !this.#curriculum.has(id)).map((question) => [question.id, question]));
    const add: (Remembered & { readonly question: Question })[] = [];
    const remove: string[] = [];
    for (const [question, cluster] of await this.#clustered([...news.values()])) {
      const remembered = this.#curriculum.add(question.id, cluster, cursor + read.indexOf(question));
      if (remembered === undefined) break;
      add.push({ ...remembered.added, question });
      if (remembered.displaced !== undefined) remove.push(remembered.displaced);
    }
    return { add, remove };
  }

  async #clustered(questions: readonly Question[]): Promise<readonly (readonly [Question, string])[]> {
    const { stop } = this.#loop.state;
    const found: (readonly [Question, string])[] = [];
    for (let at = 0; at < questions.length; at += AT_ONCE) {
      if (stop.aborted) throw new CancelledError('stopped looking at questions');
      const some = questions.slice(at, at + AT_ONCE);
      const clusters = await Promise.all(some.map((question) => clusterOf(question, loadPicture)));
      found.push(...some.map((question, i) => [question, clusters[i]!] as const));
    }
    return found;
  }

  /** @returns why there is nothing to choose among. */
  #show(): string | undefined {
    const nothing = nothingToChoose(this.#curriculum, this.#isWhole);
    this.#loop.parts.telemetry.curriculum(curriculumStatus(this.#curriculum, nothing));
    return nothing;
  }

  /** Says once in a start that there is nothing to choose among. */
  #tell(nothing: string | undefined): void {
    const kind = nothing?.replaceAll(/\d+/g, '#');
    if (nothing === undefined || kind === undefined || this.#said.has(kind)) return;
    this.#said.add(kind);
    this.#loop.effects.say(nothing);
  }
}
