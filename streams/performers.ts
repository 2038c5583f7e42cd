/** The actors as the streams see them. */
import type { OfPlugin, Performer } from '../src/protocol/performer.ts';
import type {
  Advantage,
  Ask,
  Evaluate,
  Export,
  Filter,
  Judge,
  Learn,
  Reward,
  SampleQuestions,
  Synthesize,
  Watch,
} from '../src/protocol/ports.ts';

/** Plug-ins come and go while the loop runs, so the lists and what may be undefined are read anew each time. */
export interface Performers {
  readonly questioner: Performer<Ask>;
  readonly samplers: readonly Performer<SampleQuestions>[];
  readonly voter: Performer<Judge>;
  readonly learner: Performer<Learn>;
  readonly evaluator: Performer<Evaluate>;
  /** Undefined where synthesis is off. */
  readonly synthesizer: Performer<Synthesize> | undefined;
  readonly rewards: readonly OfPlugin<Reward>[];
  readonly advantage: OfPlugin<Advantage> | undefined;
  readonly filters: readonly OfPlugin<Filter>[];
  readonly watchers: readonly OfPlugin<Watch>[];
  readonly exporters: readonly OfPlugin<Export>[];
}
