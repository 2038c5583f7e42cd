/**
 * The part of the loop that rewards the questions which the model writes (`synthesis.reward`): every k-th step learns from
 * written questions. The prompts to write are admitted as a block, between two cuts, and pass the stages like questions,
 * so they are durable, paced and replayed like them. Their responses are questions, and votes on these, drawn with the
 * same version, decide the reward (src/learn/question-reward.ts).
 */
import { patternOf } from '../src/data/clusters.ts';
import { groupAdvantages } from '../src/learn/advantage.ts';
import { isWriting, rewardOf, weighed, type Candidate } from '../src/learn/question-reward.ts';
import { screen, similarity } from '../src/learn/synthetic.ts';
import { CancelledError } from '../src/protocol/errors.ts';
import type { Batch, JudgedGroup, Question, RolloutGroup, Verdict, WrittenQuestion } from '../src/protocol/messages.ts';
import type { SamplingParams } from '../src/protocol/ports.ts';
import { THROUGH, type Loop, type LoopConfig } from './loop.ts';
import { votesOn } from './writing-votes.ts';

/** Where a stored loop keeps the blocks of prompts, and the usable questions of the groups judged last. */
const BLOCKS = 'synthesis.blocks';
const RECENT = 'synthesis.recent';
/** Groups of earlier blocks that novelty and balance look back on. */
const LOOK_BACK = 32;

/** Prompts of the sequence numbers `from ..< to`. */
interface Block {
  readonly from: number;
  readonly to: number;
  /** Number of the step, in writing steps. */
  readonly turn: number;
}

export interface Prompts {
  readonly questions: readonly Question[];
  /** For the transaction that admits them. */
  readonly keep: () => void;
}

interface RecentGroup {
  readonly sequence: number;
  /** JSON of the pictures that its questions are about. */
  readonly about: string;
  readonly texts: readonly string[];
}

/** A batch holds written questions or answers, never both: the cuts see to that. */
export const isOfWriting = ({ groups }: Pick<Batch, 'groups'>): boolean => isWriting(groups[0]!.group.question);

export function writingParams({ synthesis }: Pick<LoopConfig, 'synthesis'>): SamplingParams {
  const { reward, temperature, maxNewTokens } = synthesis;
  return { samples: reward.questions, temperature, topP: 1, topK: 0, maxNewTokens };
}

export class Writing {
  readonly #loop: Pick<Loop, 'parts' | 'state'>;
  /** Oldest first; those that no window has consumed, and the last one. */
  #blocks: readonly Block[];
  #recent: readonly RecentGroup[];

  constructor(loop: Pick<Loop, 'parts' | 'state'>) {
    this.#loop = loop;
    this.#blocks = (loop.parts.store.meta(BLOCKS) as readonly Block[] | undefined) ?? [];
    this.#recent = (loop.parts.store.meta(RECENT) as readonly RecentGroup[] | undefined) ?? [];
  }

  /** Sequence numbers in `after + 1 ..= upTo` where prompts to write and questions meet: no batch spans one. */
  cuts(after: number, upTo: number): readonly number[] {
    const ends = this.#blocks.flatMap(({ from, to }) => [from, to]);
    return [...new Set(ends)].filter((sequence) => sequence > after && sequence <= upTo);
  }

  /** Whether the next admission begins a block. */
  get isDue(): boolean {
    const { config, store } = this.#loop.parts;
    if (config.synthesis.reward.mode === 'off' || this.#blockOf(store.nextSequence) !== undefined) return false;
    return this.#turn > (this.#blocks.at(-1)?.turn ?? 0);
  }

  /** The step from this version is writing step number `turn` at the latest. */
  get #turn(): number {
    return Math.floor((this.#loop.state.version + 1) / this.#loop.parts.config.synthesis.reward.everySteps);
  }

  /** At most `count` prompts for the sequence numbers from `from` on; undefined where it is the questions' turn. */
  prompts(from: number, count: number): Prompts | undefined {
    const { config, store, draft } = this.#loop.parts;
    const size = config.synthesis.reward.groups;
    const begun = this.#blockOf(from);
    const block = begun ?? (this.isDue ? { from, to: from + size, turn: this.#turn } : undefined);
    if (block === undefined) return undefined;
    const questions = Array.from({ length: Math.min(count, block.to - from) }, (_, i): Question => {
      const { prompt, seed } = draft(from + i);
      const id = `writing/${config.seed}/${from + i}`;
      return { ...prompt, id, origin: 'writing', ...(seed && { parentId: seed.id }) };
    });
    const keep = (): void => {
      if (begun !== undefined) return;
      const through = (store.meta(THROUGH) as number | undefined) ?? -1;
      this.#blocks = [...this.#blocks.filter(({ to }) => to > through), block];
      store.setMeta(BLOCKS, this.#blocks);
    };
    return { questions, keep };
  }

  /** The verdict on a group of written questions, by votes on them. @throws CancelledError when the loop stops first. */
  async verdictOn(group: RolloutGroup): Promise<Verdict> {
    const { gate } = this.#loop.state;
    if (!(await gate.pass())) throw new CancelledError('the daemon stops');
    return gate.counted(() => this.#verdict(group))();
  }

  async #verdict(group: RolloutGroup): Promise<Verdict> {
    const { synthesis } = this.#loop.parts.config;
    const candidates = await this.#candidates(group);
    const written = weighed(candidates, this.#recentOf(group), synthesis);
    const rewards = written.map(rewardOf);
    const advantages = groupAdvantages(rewards, { normaliseStd: true });
    const kept = advantages.some((advantage) => advantage !== 0);
    const usable = candidates.map(({ text, rejection }) => (rejection === undefined ? text : null));
    return {
      groupId: group.id,
      answers: usable,
      classes: likeness(usable, synthesis.duplicateSimilarity),
      winner: -1,
      share: written.filter(({ spread }) => spread > 0).length / written.length,
      rewards,
      advantages,
      kept,
      ...(kept ? {} : { dropped: 'equal-rewards' }),
      written,
    };
  }

  async #candidates(group: RolloutGroup): Promise<readonly Candidate[]> {
    const { config, draft } = this.#loop.parts;
    const { seed } = draft(group.sequence);
    const { pictures } = group.question;
    const screened = group.samples.map(({ text, finish }, i) => {
      const question: Question = { id: `${group.id}/${i}`, text, pictures, origin: 'direct' };
      return screen({ question, seed, finish }, [], config.synthesis);
    });
    const usable = new Map(
      screened.flatMap(({ question, rejection }) =>
        rejection === undefined ? [[question.text, question] as const] : [],
      ),
    );
    const votes = await votesOn(this.#loop, group, [...usable.values()]);
    return screened.map(({ question: { text }, rejection }): Candidate => {
      const vote = rejection === undefined ? votes.get(usable.get(text)!.id) : undefined;
      return {
        text,
        kind: patternOf(text),
        ...(vote ? { vote } : { rejection: rejection ?? 'refused' }),
      };
    });
  }

  /** What earlier blocks wrote, so that the order in which the groups of a block are judged makes no difference. */
  #recentOf({ sequence, question }: RolloutGroup) {
    const first = this.#blockOf(sequence)?.from ?? sequence;
    const about = JSON.stringify(question.pictures);
    return this.#recent
      .filter((group) => group.sequence < first)
      .slice(-LOOK_BACK)
      .flatMap((group) => group.texts.map((text) => ({ text, kind: patternOf(text), isAbout: group.about === about })));
  }

  /** Call within the transaction that stores the verdicts. */
  judged(groups: readonly JudgedGroup[]): void {
    const news = groups.flatMap(({ group: { sequence, question }, verdict: { written } }) =>
      written === undefined
        ? []
        : [
            {
              sequence,
              about: JSON.stringify(question.pictures),
              texts: written.filter(isUsable).map(({ text }) => text),
            },
          ],
    );
    if (news.length === 0) return;
    const known = [...this.#recent, ...news].toSorted((a, b) => a.sequence - b.sequence);
    const inHand = this.#blocks.reduce((sum, { from, to }) => sum + to - from, 0);
    this.#recent = known.slice(-(LOOK_BACK + inHand));
    this.#loop.parts.store.setMeta(RECENT, this.#recent);
  }

  #blockOf(sequence: number): Block | undefined {
    return this.#blocks.find(({ from, to }) => sequence >= from && sequence < to);
  }
}

/** Class of each text, 0-based in order of first appearance: near the same words as the first of the class. */
function likeness(texts: readonly (string | null)[], similar: number): readonly number[] {
  const firsts: string[] = [];
  return texts.map((text) => {
    if (text === null) return -1;
    const known = firsts.findIndex((first) => similarity(text, first) >= similar);
    return known === -1 ? firsts.push(text) - 1 : known;
  });
}

const isUsable = ({ share }: WrittenQuestion): boolean => share !== undefined;
