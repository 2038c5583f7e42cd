/**
 * Answers `GET /metrics` for Prometheus, from the status at each scrape. Units and names follow its conventions.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Phase, Status } from '../../src/protocol/status.ts';
import { fillCurriculum } from './curriculum-metrics.ts';
import type { HubStatistics } from './hub.ts';
import { fillWorkers } from './worker-metrics.ts';

const PHASES: readonly Phase[] = [
  'starting',
  'baseline',
  'running',
  'paused',
  'stopping',
  'draining',
  'stopped',
  'failed',
];
const NANOSECONDS = 1e9;

export interface Metrics {
  readonly contentType: string;
  /** @returns the page. */
  scrape(): Promise<string>;
  close(): void;
}

const LEVELS = { healthy: 0, watch: 1, act: 2, hold: 3 } as const;

type Value = (status: Status) => number | null | undefined;

/** Name -> help text and value; a metric without a value is not exported. */
const GAUGES: Readonly<Record<string, readonly [help: string, value: Value]>> = {
  quorum_policy_version: ['Newest policy version: learner steps done.', ({ version }) => version],
  quorum_checkpoint_version: ['Version of the newest checkpoint.', ({ saved }) => saved],
  quorum_accuracy_ratio: [
    'Held-out accuracy (greedy) of the newest evaluation.',
    ({ accuracy }) => accuracy.now?.greedy,
  ],
  quorum_accuracy_best_ratio: ['Best held-out accuracy (greedy) so far.', ({ accuracy }) => accuracy.best?.greedy],
  quorum_accuracy_baseline_ratio: [
    'Held-out accuracy (greedy) before the first step.',
    ({ accuracy }) => accuracy.baseline?.greedy,
  ],
  quorum_held_out_as_base_ratio: [
    'Without labels: share of held-out questions answered as by the base, in the newest evaluation.',
    ({ labelFree }) => labelFree?.now?.asBase,
  ],
  quorum_held_out_as_trusted_ratio: [
    'Without labels: share of held-out questions answered as by the last trusted version.',
    ({ labelFree }) => labelFree?.now?.asTrusted,
  ],
  quorum_held_out_answered_ratio: [
    'Without labels: share of greedy responses to held-out questions that hold an answer.',
    ({ labelFree }) => labelFree?.now?.answered,
  ],
  quorum_held_out_vote_share_ratio: [
    'Without labels: mean vote share on held-out questions.',
    ({ labelFree }) => labelFree?.now?.voteShare,
  ],
  quorum_held_out_entropy_nats: [
    'Without labels: entropy on held-out questions, per token.',
    ({ labelFree }) => labelFree?.now?.entropy,
  ],
  quorum_held_out_response_tokens_mean: [
    'Without labels: mean response length on held-out questions, in tokens.',
    ({ labelFree }) => labelFree?.now?.responseTokens,
  ],
  quorum_guardian_level: [
    'Level of the guardian: 0 healthy, 1 watch, 2 act, 3 hold.',
    ({ guardian }) => guardian && LEVELS[guardian.level],
  ],
  quorum_canaries_as_base_ratio: [
    'Of the canaries that the base was sure of: share answered alike in the newest probe.',
    ({ guardian }) => guardian?.canaries?.asBase,
  ],
  quorum_canaries_as_trusted_ratio: [
    'Of the canaries that the last trusted version was sure of: share answered alike in the newest probe.',
    ({ guardian }) => guardian?.canaries?.asTrusted,
  ],
  quorum_vote_share_ratio: ['Mean vote share of the groups judged lately.', ({ signals }) => signals.voteShare],
  quorum_votes_lost_ratio: [
    'Share of the answers judged lately that lost their vote to a check.',
    ({ signals }) => signals.votesLost,
  ],
  quorum_winners_lost_ratio: [
    'The same among the answers that would win without the checks.',
    ({ signals }) => signals.winnersLost,
  ],
  quorum_reward_mean: ['Mean reward of the samples judged lately.', ({ signals }) => signals.reward],
  quorum_response_tokens_mean: [
    'Mean response length of the groups judged lately, in tokens.',
    ({ signals }) => signals.responseTokens,
  ],
  quorum_loss: ['Loss of the newest step.', ({ signals }) => signals.loss],
  quorum_kl_nats: ['KL divergence to the frozen base in the newest step, per token.', ({ signals }) => signals.kl],
  quorum_entropy_nats: ['Entropy in the newest step, per token.', ({ signals }) => signals.entropy],
  quorum_clip_ratio: [
    'Share of tokens whose importance ratio was clipped in the newest step.',
    ({ signals }) => signals.clipFraction,
  ],
  quorum_sampler_gap_nats: [
    'Mean distance of the log-probabilities of learner and sampler before the newest step.',
    ({ signals }) => signals.samplerGap,
  ],
  quorum_sampler_gap_max_nats: ['The largest of these distances.', ({ signals }) => signals.samplerGapMax],
  quorum_mismatch_nats: [
    'Mean distance of the log-probabilities of learner and sampler, over the tokens with importance correction.',
    ({ signals }) => signals.mismatch,
  ],
  quorum_effective_samples_ratio: [
    'Effective sample size of their importance weights, as a share.',
    ({ signals }) => signals.effectiveSamples,
  ],
  quorum_masked_ratio: ['Share of these tokens that teach nothing.', ({ signals }) => signals.maskedShare],
  quorum_entropy_coefficient: [
    'Weight of the entropy bonus, where there is one.',
    ({ signals }) => signals.entropyCoefficient,
  ],
  quorum_written_reward_mean: [
    'Mean reward of the questions in the newest step that learnt from written questions.',
    ({ synthesis }) => synthesis?.reward?.reward,
  ],
  quorum_written_vote_share_ratio: [
    'Mean vote share on these questions.',
    ({ synthesis }) => synthesis?.reward?.agreement,
  ],
  quorum_written_split_ratio: [
    'Share of these questions whose votes the loop would learn from.',
    ({ synthesis }) => synthesis?.reward?.split,
  ],
  quorum_written_kinds: ['Exponential of the entropy of their kinds.', ({ synthesis }) => synthesis?.reward?.kinds],
  quorum_gradient_norm: ['Global norm of the gradient in the newest step.', ({ signals }) => signals.gradNorm],
  quorum_learning_rate: ['Learning rate of the newest step.', ({ signals }) => signals.learningRate],
  quorum_rollout_tokens_per_second: [
    'New tokens a second while sampling.',
    ({ throughput }) => throughput.rolloutTokensPerSecond,
  ],
  quorum_learner_tokens_per_second: [
    'Response tokens a second while learning.',
    ({ throughput }) => throughput.learnerTokensPerSecond,
  ],
  quorum_steps_per_minute: ['Learner steps a minute, lately.', ({ throughput }) => throughput.stepsPerMinute],
  quorum_overlap_ratio: [
    "Share of the learner's working time in which a sampler worked too.",
    ({ throughput }) => throughput.overlap,
  ],
  quorum_staleness_versions: [
    'Age of the oldest group in the newest batch, in policy versions.',
    ({ staleness }) => staleness.now,
  ],
  quorum_staleness_bound_versions: [
    'Oldest group that a batch may hold, in policy versions.',
    ({ staleness }) => staleness.max,
  ],
  quorum_credits_groups: [
    'Groups that may be admitted before the staleness bound stops admissions.',
    ({ groups }) => groups.credits,
  ],
  quorum_groups_in_flight: ['Groups admitted and not yet judged.', ({ groups }) => groups.inFlight],
  quorum_groups_waiting: ['Groups kept and not yet learnt from.', ({ groups }) => groups.waiting],
  quorum_run_seconds: [
    'Time that this run has been up, over all its starts, pauses included.',
    ({ seconds }) => seconds,
  ],
  quorum_paused_seconds: [
    'Part of quorum_run_seconds in which the run was paused.',
    ({ pausedSeconds = 0 }) => pausedSeconds,
  ],
  quorum_process_resident_memory_bytes: ['Resident memory of the daemon.', ({ memory }) => memory.rss],
  quorum_process_start_time_seconds: ['Start of the daemon since 1970.', ({ startedAt }) => startedAt / 1000],
};

export function openMetrics(status: () => Status, hub: () => HubStatistics): Metrics {
  const registry = new Registry();
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const fill = [fillGauges, fillLabelled, fillCurriculum, fillWorkers, fillCounters].map((each) => each(registry));
  const fillHub = fillOwn(registry);
  return {
    contentType: registry.contentType,
    scrape: async () => {
      const now = status();
      for (const set of fill) set(now);
      fillHub(hub(), { mean: delay.mean / NANOSECONDS, p99: delay.percentile(99) / NANOSECONDS });
      delay.reset();
      return registry.metrics();
    },
    close: () => delay.disable(),
  };
}

function fillGauges(registry: Registry): (status: Status) => void {
  const gauges = Object.entries(GAUGES).map(([name, [help, value]]) => {
    return { gauge: new Gauge({ name, help, registers: [registry] }), value };
  });
  return (status) => {
    for (const { gauge, value } of gauges) {
      const now = value(status);
      // A gauge without a value would be 0, which is a measurement.
      if (now === null || now === undefined) gauge.remove();
      else gauge.set(now);
    }
  };
}

function fillLabelled(registry: Registry): (status: Status) => void {
  const registers = [registry];
  const phase = new Gauge({
    name: 'quorum_phase',
    help: '1 for the phase that the daemon is in.',
    labelNames: ['phase'],
    registers,
  });
  const busy = new Gauge({
    name: 'quorum_actor_busy_ratio',
    help: 'Share of the last minute in which the actor worked.',
    labelNames: ['actor', 'role'],
    registers,
  });
  const size = new Gauge({
    name: 'quorum_queue_size',
    help: 'Items that wait for an actor.',
    labelNames: ['actor', 'queue'],
    registers,
  });
  const bound = new Gauge({
    name: 'quorum_queue_bound',
    help: 'Bound on the items that wait for an actor.',
    labelNames: ['actor', 'queue'],
    registers,
  });
  return (status) => {
    for (const name of PHASES) phase.set({ phase: name }, name === status.phase ? 1 : 0);
    for (const gauge of [busy, size, bound]) gauge.reset();
    for (const { id, role, busy: share, queue } of status.actors) {
      busy.set({ actor: id, role }, share);
      if (queue === null) continue;
      size.set({ actor: id, queue: queue.name }, queue.size);
      bound.set({ actor: id, queue: queue.name }, queue.bound);
    }
  };
}

function fillCounters(registry: Registry): (status: Status) => void {
  const registers = [registry];
  const groups = new Counter({
    name: 'quorum_groups_total',
    help: 'Groups by outcome: learnt from, or dropped for a reason.',
    labelNames: ['outcome'],
    registers,
  });
  const sampled = new Counter({ name: 'quorum_groups_sampled_total', help: 'Groups sampled.', registers });
  const kept = new Counter({ name: 'quorum_groups_kept_total', help: 'Groups kept by their verdict.', registers });
  const restarts = new Counter({
    name: 'quorum_actor_restarts_total',
    help: 'Restarts since the daemon started.',
    labelNames: ['actor', 'role'],
    registers,
  });
  const items = new Counter({
    name: 'quorum_actor_items_total',
    help: 'Jobs, steps, evaluations finished since the daemon started.',
    labelNames: ['actor', 'role'],
    registers,
  });
  const findings = new Counter({
    name: 'quorum_check_findings_total',
    help: 'Responses by what a check found: its work holds, it has no vote, or there was nothing to check.',
    labelNames: ['check', 'finding'],
    registers,
  });
  const lost = new Counter({
    name: 'quorum_votes_lost_total',
    help: 'Responses with an answer that lost their vote, by the first check that denied it.',
    labelNames: ['check'],
    registers,
  });
  return (status) => {
    for (const counter of [groups, findings, lost, sampled, kept, restarts, items]) counter.reset();
    for (const [check, { lost: votes, ...found }] of Object.entries(status.groups.checks ?? {})) {
      lost.inc({ check }, votes);
      for (const [finding, count] of Object.entries(found)) findings.inc({ check, finding }, count);
    }
    groups.inc({ outcome: 'learnt' }, status.groups.learnt);
    for (const [reason, count] of Object.entries(status.groups.dropped)) groups.inc({ outcome: reason }, count);
    sampled.inc(status.groups.sampled);
    kept.inc(status.groups.kept);
    for (const { id: actor, role, restarts: count, items: done } of status.actors) {
      restarts.inc({ actor, role }, count);
      items.inc({ actor, role }, done);
    }
  };
}

function fillOwn(
  registry: Registry,
): (hub: HubStatistics, lag: { readonly mean: number; readonly p99: number }) => void {
  const registers = [registry];
  const clients = new Gauge({ name: 'quorum_dashboard_clients', help: 'Connected pages.', registers });
  const updates = new Counter({
    name: 'quorum_dashboard_updates_total',
    help: 'Updates encoded.',
    registers,
  });
  const dropped = new Counter({
    name: 'quorum_dashboard_dropped_updates_total',
    help: 'Updates missed by slow pages, summed over pages.',
    registers,
  });
  const unread = new Gauge({
    name: 'quorum_dashboard_unread_bytes',
    help: 'Bytes that pages have not read yet.',
    registers,
  });
  const cpu = new Counter({
    name: 'quorum_process_cpu_seconds_total',
    help: 'Processor time of all threads of the daemon, in seconds.',
    registers,
  });
  const active = new Counter({
    name: 'quorum_event_loop_active_seconds_total',
    help: 'Time in which the daemon’s main thread, which serves pages and moves data but computes nothing, was not idle.',
    registers,
  });
  const lagMean = new Gauge({
    name: 'quorum_event_loop_lag_mean_seconds',
    help: 'Mean delay of the event loop since the last scrape.',
    registers,
  });
  const lagP99 = new Gauge({
    name: 'quorum_event_loop_lag_p99_seconds',
    help: '99th percentile of the delay since the last scrape.',
    registers,
  });
  const heap = new Gauge({
    name: 'quorum_process_heap_used_bytes',
    help: 'JavaScript objects of the main thread.',
    registers,
  });
  const external = new Gauge({
    name: 'quorum_process_external_bytes',
    help: 'Buffers and bindings that the main thread’s objects hold.',
    registers,
  });
  const handles = new Gauge({
    name: 'quorum_process_active_resources',
    help: 'Sockets, timers, files and requests that are open in the main thread.',
    registers,
  });
  return (hub, lag) => {
    for (const counter of [updates, dropped, cpu, active]) counter.reset();
    const { heapUsed, external: held } = process.memoryUsage();
    heap.set(heapUsed);
    external.set(held);
    handles.set(process.getActiveResourcesInfo().length);
    const { user, system } = process.cpuUsage(); // microseconds
    cpu.inc((user + system) / 1e6);
    active.inc(performance.eventLoopUtilization().active / 1000);
    clients.set(hub.clients);
    unread.set(hub.unreadBytes);
    updates.inc(hub.updates);
    dropped.inc(hub.dropped);
    lagMean.set(Number.isNaN(lag.mean) ? 0 : lag.mean);
    lagP99.set(lag.p99);
  };
}
