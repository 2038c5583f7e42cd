/**
 * The whole loop: questions -> rollouts -> verdicts -> windows -> versions. Each stage pulls from the one before it and writes what it
 * made to the store before the next one can see it, so that a killed loop finds everything again (resume.ts).
 */
import { catchError, EMPTY, finalize, merge, tap, type Observable } from 'rxjs';
import { CancelledError } from '../src/protocol/errors.ts';
import type { JudgedGroup, RolloutGroup } from '../src/protocol/messages.ts';
import type { Admission } from '../src/store/store.ts';
import { admit } from './admit.ts';
import { Batcher, type Window } from './batcher.ts';
import type { EvaluateRequest } from '../src/protocol/ports.ts';
import { evaluateOrder, orderEvaluation } from './evaluate.ts';
import { judge } from './judge.ts';
import { Latest } from './latest.ts';
import { learn } from './learn.ts';
import type { Loop } from './loop.ts';
import { pullMap } from './pull-map.ts';
import { Queue } from './queue.ts';
import type { Resumed } from './resume.ts';
import { sample } from './sample.ts';
import { Pacer } from './staleness.ts';

export interface Pipeline {
  /** Runs the loop until it is told to stop or a stage is past help; completes when every stage has ended. */
  readonly run$: Observable<unknown>;
  readonly credits: () => number;
}

export function pipeline(loop: Loop, resumed: Resumed): Pipeline {
  const { config, crew, gate, stop, store } = loop;
  const { batchGroups, maxStaleness, maxOversample, jobQuestions } = config.loop;
  const bound = (maxStaleness + 1) * batchGroups + resumed.groups;
  const questions = new Queue<Admission>('admitted questions', bound);
  const rollouts = new Queue<readonly RolloutGroup[]>('rollouts', bound);
  const windows = new Queue<Window>('windows', bound);
  const evaluations = new Latest<EvaluateRequest>();
  crew.samplers.forEach((sampler) => sampler.takesFrom(() => questions.status()));
  crew.voter.takesFrom(() => rollouts.status());
  crew.learner.takesFrom(() => windows.status());
  crew.evaluator.takesFrom(() => ({ name: 'evaluations', size: evaluations.size, bound: 1 }));
  const batcher = new Batcher({ batchGroups, maxJudged: Math.floor(maxOversample * batchGroups), next: resumed.through + 1 });
  let closed = 0; // windows with groups that are not learnt from yet
  const pacer = new Pacer(config.loop, () => ({
    settled: batcher.next,
    early: batcher.early,
    shortestClose: batcher.shortestClose,
    admitted: store.nextSequence,
    closed,
  }));

  const settle = (sequence: number, kept: JudgedGroup | undefined) => {
    for (const window of batcher.add(sequence, kept)) {
      if (window.groups.length > 0) closed += 1;
      windows.push(window);
    }
    pacer.release();
  };

  // What was in hand when the loop last stopped goes on from where it was.
  for (const sequence of resumed.dropped) settle(sequence, undefined);
  for (const judged of resumed.unbatched) settle(judged.group.sequence, judged);
  if (resumed.unjudged.length > 0) rollouts.push(resumed.unjudged);
  questions.push(...resumed.unsampled);

  async function* credits() {
    while (await gate.pass()) {
      crew.questioner.waitsFor('credits');
      const count = await pacer.acquire(stop);
      if (await gate.pass()) yield count;
    }
  }

  async function* jobs() {
    while (await gate.pass()) {
      const job = await questions.take(jobQuestions, (before, next) => next.sequence === before.sequence + 1);
      if (job.length === 0) return;
      if (await gate.pass()) yield job;
    }
  }

  async function* batches() {
    while ((await gate.pass()) && loop.version < (config.loop.steps ?? Infinity)) {
      crew.learner.waitsFor('a batch');
      const [window] = await windows.take(1);
      if (window === undefined) return;
      if (await gate.pass()) yield window;
    }
  }

  const admitted$ = pullMap(credits(), 1, admit(loop)).pipe(
    tap((admissions) => questions.push(...admissions)),
    finalize(() => questions.close()),
  );
  const sampled$ = pullMap(jobs(), crew.samplers.length, sample(loop)).pipe(
    tap((groups) => rollouts.push(groups)),
    finalize(() => rollouts.close()),
  );
  const judged$ = pullMap(rollouts, 1, judge(loop)).pipe(
    tap((judged) => judged.forEach(({ group, verdict }, i) => settle(group.sequence, verdict.kept ? judged[i] : undefined))),
    finalize(() => windows.close()),
  );
  const learnt$ = pullMap(batches(), 1, learn(loop)).pipe(
    tap((version) => {
      if (version !== undefined) {
        closed -= 1;
        orderEvaluation(loop, evaluations, version.n);
      }
      pacer.release();
    }),
    finalize(() => {
      const left = evaluations.close();
      if (left !== undefined) loop.policy.release(left.version);
    }),
  );
  const evaluated$ = pullMap(evaluations, 1, evaluateOrder(loop));

  return {
    run$: merge(...[admitted$, sampled$, judged$, learnt$, evaluated$].map((stage$) => contained(loop, stage$))),
    credits: () => pacer.credits,
  };
}

/** A stage that fails stops the loop; the other stages finish what they have in hand. */
function contained(loop: Loop, stage$: Observable<unknown>): Observable<unknown> {
  return stage$.pipe(
    catchError((error: unknown) => {
      if (!(loop.stop.aborted && error instanceof CancelledError)) loop.failed(error);
      return EMPTY;
    }),
  );
}
