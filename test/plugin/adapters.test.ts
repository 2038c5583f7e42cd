import { map, scan, mergeMap, filter, tap, type OperatorFunction } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { API_VERSION, definePlugin, type LoopEvent, type RewardRequest } from 'quorum';
import { fromOperator, operatorWatcher } from 'quorum/rxjs';
import { recorded, testPlugin } from 'quorum/testing';
import { fromMachine, machineWatcher } from 'quorum/xstate';

const [request] = recorded.requests.reward;

const halves = setup({
  types: {
    input: {} as RewardRequest,
    context: {} as { request: RewardRequest; rewards: number[] },
    output: {} as number[],
  },
  actors: { work: fromPromise<number[], RewardRequest>(async ({ input }) => input.votes.map((vote) => vote / 2)) },
}).createMachine({
  context: ({ input }) => ({ request: input, rewards: [] }),
  initial: 'working',
  states: {
    working: {
      invoke: {
        src: 'work',
        input: ({ context }) => context.request,
        onDone: { target: 'done', actions: assign({ rewards: ({ event }) => event.output }) },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => context.rewards,
});

describe('an XState machine', () => {
  test('is started with each request, and its output is the reply', async () => {
    await using kit = await testPlugin(
      definePlugin({ name: 'mine', apiVersion: API_VERSION, ports: { reward: () => fromMachine(halves) } }),
    );
    for (const { request, reply } of await kit.play('reward'))
      expect(reply).toEqual(request.votes.map((vote) => vote / 2));
  });

  test('fails its actor when it fails, and is stopped when the request is cancelled', async () => {
    const failing = fromPromise<number[], RewardRequest>(() => Promise.reject(new Error('no machine')));
    await expect(fromMachine(failing)(request!, new AbortController().signal)).rejects.toThrow('no machine');
    let stopped = false;
    const endless = fromPromise<number[], RewardRequest>(({ signal }) => {
      signal.addEventListener('abort', () => (stopped = true));
      return new Promise(() => {});
    });
    const controller = new AbortController();
    const reply = fromMachine(endless)(request!, controller.signal);
    controller.abort();
    await expect(reply).rejects.toThrow('the machine was stopped');
    expect(stopped).toBe(true);
  });

  test('watches: one machine gets every event; an ended machine is replaced', async () => {
    const seen: number[] = [];
    const counter = setup({ types: { context: {} as { learnt: number }, events: {} as LoopEvent } }).createMachine({
      context: { learnt: 0 },
      initial: 'counting',
      states: {
        counting: {
          on: {
            learnt: {
              actions: [
                assign({ learnt: ({ context }) => context.learnt + 1 }),
                ({ context }) => seen.push(context.learnt),
              ],
            },
            evaluated: { guard: ({ context }) => context.learnt === 3, target: 'over' },
          },
        },
        over: { type: 'final' },
      },
    });
    await using kit = await testPlugin(
      definePlugin({
        name: 'mine',
        apiVersion: API_VERSION,
        ports: { watch: (context) => machineWatcher(counter, context) },
      }),
    );
    const [learnt] = recorded.events.filter(({ type }) => type === 'learnt');
    const [evaluated] = recorded.events.filter(({ type }) => type === 'evaluated');
    for (let i = 0; i < 3; i++) await kit.ports.watch(learnt!);
    await expect(kit.ports.watch(evaluated!)).rejects.toThrow('has reached its final state');
    await kit.advance(250);
    await kit.ports.watch(learnt!);
    expect(seen).toEqual([1, 2, 3, 1]);
  });

  test('of which the input or the output is of another port does not compile', () => {
    // @ts-expect-error A panel is no list of numbers.
    definePlugin({ name: 'mine', apiVersion: API_VERSION, ports: { panel: () => fromMachine(halves) } });
    expect.assertions(0);
  });
});

describe('an RxJS operator', () => {
  const counted: OperatorFunction<RewardRequest, number[]> = (requests$) =>
    requests$.pipe(
      scan((seen, { votes }) => ({ n: seen.n + 1, votes }), { n: 0, votes: [] as readonly number[] }),
      map(({ n, votes }) => votes.map((vote) => vote / n)),
    );
  const rewardBy = (operator: OperatorFunction<RewardRequest, number[]>) =>
    testPlugin(
      definePlugin({ name: 'mine', apiVersion: API_VERSION, ports: { reward: () => fromOperator(operator) } }),
    );

  test('answers each request with one output, and remembers between them', async () => {
    await using kit = await rewardBy(counted);
    const played = await kit.play('reward');
    expect(played.map(({ reply }) => reply)).toEqual(
      recorded.requests.reward.map(({ votes }, i) => votes.map((vote) => vote / (i + 1))),
    );
  });

  test('that gives too many outputs, ends or throws fails its actor', async () => {
    const votes = map(({ votes }: RewardRequest) => [...votes]);
    await using twice = await rewardBy((requests$) =>
      requests$.pipe(
        votes,
        mergeMap((each) => [each, each]),
      ),
    );
    await twice.ports.reward(request!);
    await expect(twice.ports.reward(request!)).rejects.toThrow('more than one output');
    await twice.advance(250);
    await twice.ports.reward(request!);
    await using throws = await rewardBy((requests$) =>
      requests$.pipe(
        tap(() => {
          throw new Error('no operator');
        }),
        votes,
      ),
    );
    await expect(throws.ports.reward(request!)).rejects.toThrow('no operator');
  });

  test('that gives none is late; the next request has a new stream', async () => {
    await using kit = await rewardBy((requests$) =>
      counted(requests$.pipe(filter(({ group }) => group.id !== request!.group.id))),
    );
    const late = kit.ports.reward(request!);
    await kit.advance(30_000);
    await expect(late).rejects.toThrow('not done after 30 s');
    await kit.advance(250);
    const next = recorded.requests.reward[1]!;
    expect(await kit.ports.reward(next)).toEqual(next.votes);
  });

  test('cancelled and asked again without a restart, it begins anew', async () => {
    const reward = fromOperator(counted);
    const cancelled = new AbortController();
    const never = fromOperator<RewardRequest, number[]>((requests$) =>
      requests$.pipe(
        filter(() => false),
        counted,
      ),
    );
    const reply = never(request!, cancelled.signal);
    cancelled.abort();
    await expect(reply).rejects.toThrow('the request was cancelled');
    const { signal } = new AbortController();
    expect(await reward(request!, signal)).toEqual(request!.votes);
    expect(await reward(request!, signal)).toEqual(request!.votes.map((vote) => vote / 2));
  });

  test('watches: what it throws fails the watcher', async () => {
    const seen: string[] = [];
    const watch = operatorWatcher(
      tap(({ type }) => {
        if (type === 'evaluated') throw new Error('too much');
        seen.push(type);
      }),
      new AbortController(),
    );
    const { signal } = new AbortController();
    const [judged, evaluated] = [
      recorded.events.find(({ type }) => type === 'judged')!,
      recorded.events.find(({ type }) => type === 'evaluated')!,
    ];
    await watch(judged, signal);
    expect(() => watch(evaluated, signal)).toThrow('too much');
    expect(() => watch(judged, signal)).toThrow('too much');
    expect(seen).toEqual(['judged']);
  });
});
