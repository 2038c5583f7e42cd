/**
 * The whole loop: questions -> rollouts -> checks -> verdicts -> windows -> versions. Each stage pulls from the one before it and
 * writes what it made to the store before the next one can see it, so that a killed loop finds everything again
 * (resume.ts).
 */
import { catchError, EMPTY, finalize, merge, tap, type Observable } from 'rxjs';
import { isWriting } from '../src/learn/question-reward.ts';
import { CancelledError } from '../src/protocol/errors.ts';
import type { Evaluation, JudgedGroup, RolloutGroup } from '../src/protocol/messages.ts';
import type { Admission } from '../src/store/store.ts';
import { admit } from './admit.ts';
import { Batcher, type Window } from './batcher.ts';
import { check } from './check.ts';
import type { LivePath } from '../src/config/live.ts';
import { EmptyWindows } from './empty-windows.ts';
import { closeOrders, evaluateOrder, orderDue, orderEvaluation, type EvaluateOrder } from './evaluate.ts';
import { judge } from './judge.ts';
import { Latest } from './latest.ts';
import { learn } from './learn.ts';
import { THROUGH, type Loop } from './loop.ts';
import { CurriculumStage } from './curriculum.ts';
import { ConditionVariable } from './condition-variable.ts';
import { pause } from './pause.ts';
import { pullMap } from './pull-map.ts';
import { Queue } from './queue.ts';
import type { Resumed } from './resume.ts';
import { sample } from './sample.ts';
import { Pacer } from './staleness.ts';
import { Synthesis } from './synthesis.ts';
import { Writing } from './writing.ts';

/** The wait after a request that returned no questions. */
const NO_QUESTIONS_MILLISECONDS = 1_000;

export interface Pipeline {
  /** Runs the loop until a stop or until a stage fails for good; completes when every stage has ended. */
  readonly run$: Observable<unknown>;
  readonly credits: () => number;
  /**
   * Changes a setting for all later admissions and batches. This and the following methods: @throws CancelledError when
   * the loop stops first.
   */
  set(path: LivePath, value: number): Promise<void>;
  /** Evaluates the newest version; resolves when that is done. */
  evaluate(full: boolean): Promise<Evaluation>;
  /**
   * Runs `work` when every admitted group is learnt from or dropped, also during a pause. Meanwhile nothing is
   * admitted.
   */
  drained<T>(work: () => Promise<T>): Promise<T>;
}

export function pipeline(loop: Loop, resumed: Resumed): Pipeline {
  const { config, performers, store } = loop.parts;
  const { gate, settings, stop } = loop.state;
  const { batchGroups, maxOversample, jobQuestions } = config.loop;
  const bound = () => (settings.now['loop.maxStaleness'] + 1) * batchGroups + resumed.groups;
  const questions = new Queue<Admission>('questions', bound());
  const unchecked = new Queue<readonly RolloutGroup[]>('unchecked', bound());
  const rollouts = new Queue<readonly RolloutGroup[]>('rollouts', bound());
  const windows = new Queue<Window>('batches', bound());
  const synthesis = performers.synthesizer && new Synthesis(loop, performers.synthesizer, resumed);
  const writing = new Writing(loop);
  const curriculum = config.curriculum.mode === 'on' ? new CurriculumStage(loop, resumed) : undefined;
  const evaluations = new Latest<EvaluateOrder>();
  performers.samplers.forEach((sampler) => sampler.takesFrom(() => questions.status()));
  performers.voter.takesFrom(() => rollouts.status());
  performers.learner.takesFrom(() => windows.status());
  performers.evaluator.takesFrom(() => ({ name: 'evaluations', size: evaluations.size, bound: 1 }));
  const cuts = (after: number, upTo: number) => [...settings.cuts(after, upTo), ...writing.cuts(after, upTo)];
  const isCut = (sequence: number) => cuts(sequence - 1, sequence).length > 0;
  const batcher = new Batcher({
    batchGroups,
    maxJudged: Math.floor(maxOversample * batchGroups),
    next: resumed.through + 1,
    isCut,
  });
  const changes = new ConditionVariable(stop);
  const empty = new EmptyWindows();
  let closed = 0; // windows with groups that are not learnt from yet
  let admitting = false;
  const pacing = () => ({ maxStaleness: settings.now['loop.maxStaleness'], batchGroups, jobQuestions });
  const pacer = new Pacer(pacing, () => {
    const { next: settled, early, shortestClose, kept } = batcher;
    const admitted = store.nextSequence;
    const ahead = new Set([...cuts(settled, admitted), ...(writing.isDue ? [admitted] : [])]);
    return { settled, early, shortestClose, kept, admitted, cuts: [...ahead].toSorted((a, b) => a - b), closed };
  });

  const queue = (closing: readonly Window[]) => {
    for (const window of closing) {
      if (window.groups.length > 0) closed += 1;
      windows.push(window);
    }
    pacer.release();
    changes.moved();
  };
  const settle = (sequence: number, kept: JudgedGroup | undefined) => queue(batcher.add(sequence, kept));
  const showBound = () =>
    loop.parts.telemetry.bound(settings.maxStalenessFrom(((store.meta(THROUGH) as number | undefined) ?? -1) + 1));
  showBound();

  // Work in hand at the last stop continues at the same stage.
  for (const sequence of resumed.dropped) settle(sequence, undefined);
  for (const judged of resumed.unbatched) settle(judged.group.sequence, judged);
  if (resumed.unjudged.length > 0) unchecked.push(resumed.unjudged);
  questions.push(...resumed.unsampled);

  async function* credits() {
    for (;;) {
      if (!gate.admits) performers.questioner.waitsFor('admissions to begin again');
      if (!(await gate.passNew())) return;
      performers.questioner.waitsFor('credits');
      const count = await pacer.acquire(stop);
      if (!gate.admits) continue; // what there is room for may change before it opens
      admitting = true;
      const before = store.nextSequence;
      yield count;
      admitting = false;
      changes.moved();
      if (store.nextSequence > before) continue;
      performers.questioner.waitsFor('questions: there are none');
      await pause(NO_QUESTIONS_MILLISECONDS, stop);
    }
  }

  async function* jobs() {
    while (await gate.pass()) {
      const job = await questions.take(
        jobQuestions,
        (before, next) => next.sequence === before.sequence + 1 && !isCut(next.sequence),
      );
      if (job.length === 0) return;
      if (await gate.pass()) yield job;
    }
  }

  async function* batches() {
    while ((await gate.pass()) && loop.state.version < (config.loop.steps ?? Infinity)) {
      performers.learner.waitsFor('a batch');
      const [window] = await windows.take(1);
      if (window === undefined) return;
      loop.effects.look();
      if (await gate.pass()) yield window;
    }
  }

  const admitted$ = pullMap(credits(), 1, admit(loop, { synthesis, curriculum, writing })).pipe(
    tap((admissions) => questions.push(...admissions)),
    tap(() => queue(batcher.cut())), // prompts to write may be next
    finalize(() => questions.close()),
  );
  const sampled$ = pullMap(jobs(), performers.samplers.length, gate.counted(sample(loop))).pipe(
    tap((groups) => unchecked.push(groups)),
    finalize(() => unchecked.close()),
  );
  const checking = check(loop, () => unchecked.status());
  const checked$ = pullMap(unchecked, 1, checking).pipe(
    tap((groups) => rollouts.push(groups)),
    finalize(() => rollouts.close()),
  );
  const judged$ = pullMap(rollouts, 1, judge(loop, { synthesis, curriculum, writing })).pipe(
    tap((judged) => empty.judged(judged.filter(({ group }) => !isWriting(group.question)))),
    tap((judged) =>
      judged.forEach(({ group, verdict }, i) => settle(group.sequence, verdict.kept ? judged[i] : undefined)),
    ),
    finalize(() => windows.close()),
  );
  const learning = learn(loop, empty);
  const stepped = async (window: Window, lane: number, signal: AbortSignal) => ({
    window,
    version: await learning(window, lane, signal),
  });
  const learnt$ = pullMap(batches(), 1, gate.counted(stepped)).pipe(
    tap(({ window, version }) => {
      if (window.groups.length > 0) closed -= 1; // of a batch that was set aside, too
      if (version !== undefined) orderDue(loop, evaluations, version.n);
      showBound();
      pacer.release();
      changes.moved();
    }),
    finalize(() => closeOrders(loop, evaluations)),
  );
  const evaluated$ = pullMap(evaluations, 1, evaluateOrder(loop));

  return {
    run$: merge(
      ...[admitted$, sampled$, checked$, judged$, learnt$, evaluated$].map((stage$) => contained(loop, stage$)),
    ),
    credits: () => pacer.credits,
    set: (path, value) =>
      changes.when(
        () => !admitting,
        () => {
          settings.set(path, value);
          for (const each of [questions, unchecked, rollouts, windows]) each.widen(bound());
          queue(batcher.cut());
          showBound();
        },
      ),
    evaluate: (full) =>
      changes.when(
        () => true,
        () =>
          new Promise<Evaluation>((resolve, reject) => {
            const settled = (outcome: Evaluation | Error) =>
              outcome instanceof Error ? reject(outcome) : resolve(outcome);
            orderEvaluation(loop, evaluations, { version: loop.state.version, full, settled: [settled] });
          }),
      ),
    async drained(work) {
      const release = gate.hold();
      try {
        await changes.when(
          () => !admitting && batcher.next === store.nextSequence,
          () => queue(batcher.cut(true)),
        );
        await changes.when(
          () => closed === 0,
          () => {},
        );
        return await work();
      } finally {
        release();
        pacer.release();
      }
    },
  };
}

/** A stage that fails stops the loop; the other stages finish what they have in hand. */
function contained(loop: Pick<Loop, 'state' | 'effects'>, stage$: Observable<unknown>): Observable<unknown> {
  return stage$.pipe(
    catchError((error: unknown) => {
      if (!(loop.state.stop.aborted && error instanceof CancelledError)) loop.effects.failed(error);
      return EMPTY;
    }),
  );
}
