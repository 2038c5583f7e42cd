/**
 * Metrics for Prometheus without the dashboard's `/metrics`: serves them on a port of their own, or writes them to a
 * file for the node exporter's textfile collector.
 */
import { createServer, type Server } from 'node:http';
import { resolve } from 'node:path';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { API_VERSION, definePlugin, type LoopEvent } from 'quorum';
import { z } from 'zod';
import { listen } from './shared/listen.ts';
import { claimFile } from './shared/own-file.ts';
import { replaceFile } from './shared/replace-file.ts';

const REQUEST_MILLISECONDS = 10_000;
const MOST_CONNECTIONS = 32;

const options = z
  .strictObject({
    port: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('Port to serve /metrics on; 0 picks a free one, which the log names.'),
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address to listen on; the metrics hold no question, no answer and no secret.'),
    file: z
      .string()
      .regex(/[.]prom$/, 'must end in .prom')
      .optional()
      .describe("File to write, relative to the configuration's folder. A file of something else is refused."),
  })
  .refine(({ port, file }) => (port === undefined) !== (file === undefined), { message: 'give either port or file' });

export default definePlugin({
  name: 'prometheus',
  apiVersion: API_VERSION,
  options,
  ports: {
    watch: async ({ options: { port, host, file }, base, signal, tell }) => {
      const registry = new Registry();
      const count = metricsOf(registry);
      if (file !== undefined) claimFile(resolve(base, file), (start) => start.startsWith('# HELP quorum_'));
      if (port !== undefined)
        tell(`metrics are at ${await listen(serverOf(registry), { host, port, signal })}/metrics`);
      return async (event) => {
        count(event);
        if (file !== undefined) replaceFile(resolve(base, file), await registry.metrics());
      };
    },
  },
});

/** @returns counts an event. */
function metricsOf(registry: Registry): (event: LoopEvent) => void {
  const registers = [registry];
  const groups = new Counter({
    name: 'quorum_groups_judged_total',
    help: 'Groups by verdict.',
    labelNames: ['verdict'],
    registers,
  });
  const shares = new Histogram({
    name: 'quorum_group_vote_share_ratio',
    help: 'Vote share of a group.',
    buckets: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
    registers,
  });
  const lost = new Counter({
    name: 'quorum_votes_lost_total',
    help: 'Responses with an answer that lost their vote, by the first check that denied it.',
    labelNames: ['check'],
    registers,
  });
  const tokens = new Counter({ name: 'quorum_response_tokens_total', help: 'Tokens of all responses.', registers });
  const responses = new Counter({ name: 'quorum_responses_total', help: 'Responses.', registers });
  const version = new Gauge({ name: 'quorum_policy_version', help: 'Newest policy version.', registers });
  const step = new Gauge({
    name: 'quorum_step',
    help: 'What the newest learner step measured.',
    labelNames: ['metric'],
    registers,
  });
  const unlabelled = new Gauge({
    name: 'quorum_held_out_without_labels',
    help: 'What the held-out questions show without labels.',
    labelNames: ['measure'],
    registers,
  });
  const accuracy = new Gauge({
    name: 'quorum_held_out_ratio',
    help: 'Newest held-out accuracy.',
    labelNames: ['measure'],
    registers,
  });
  return (event) => {
    if (event.type === 'judged') {
      const { group, verdict } = event.judged;
      groups.inc({ verdict: verdict.kept ? 'kept' : (verdict.dropped ?? 'dropped') });
      shares.observe(verdict.share);
      for (const [check, count] of Object.entries(verdict.lost?.by ?? {})) lost.inc({ check }, count);
      responses.inc(group.samples.length);
      tokens.inc(group.samples.reduce((sum, sample) => sum + sample.tokens.length, 0));
    } else if (event.type === 'learnt') {
      version.set(event.version.n);
      for (const [metric, value] of Object.entries(event.version.metrics ?? {})) step.set({ metric }, value as number);
    } else {
      const { greedy, full, labelFree } = event.evaluation;
      if (greedy !== null) accuracy.set({ measure: 'greedy' }, greedy);
      if (full) for (const measure of ['pass1', 'majK', 'passK'] as const) accuracy.set({ measure }, full[measure]);
      for (const [measure, value] of Object.entries(labelFree ?? {}))
        if (value !== null) unlabelled.set({ measure }, value as number);
    }
  };
}

function serverOf(registry: Registry): Server {
  const server = createServer(
    { headersTimeout: REQUEST_MILLISECONDS, requestTimeout: REQUEST_MILLISECONDS },
    (request, response) => {
      if (request.url !== '/metrics' || request.method !== 'GET')
        return void response.writeHead(404).end('GET /metrics\n');
      registry.metrics().then(
        (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}
