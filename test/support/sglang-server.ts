/**
 * A server that answers as a real SGLang did (test/fixtures/sglang: requests and answers of SGLang 0.5.23 with
 * models/mini), and misbehaves as a test asks.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Recorded {
  readonly request: Record<string, unknown>;
  readonly status: number;
  readonly response: unknown;
}

export function recorded(name: string): Recorded {
  return JSON.parse(readFileSync(new URL(`../fixtures/sglang/${name}.json`, import.meta.url), 'utf8')) as Recorded;
}

/** What goes wrong with one call that samples. */
export type Fault = 429 | 500 | 'hang' | 'rubbish' | 'cut' | 'short' | 'restart';

export interface SglangSettings {
  readonly logprobs?: 'original' | 'processed';
  readonly maxTokens?: number;
  readonly hasAdapters?: boolean;
  /** Whether it sees the folders that it is told. */
  readonly sees?: boolean;
  readonly isDeterministic?: boolean;
}

interface Output {
  output_ids: number[];
  meta_info: { weight_version: string; output_top_logprobs: [number, number][][] };
}

export type SglangServer = Awaited<ReturnType<typeof sglangServer>>;

export async function sglangServer(settings: SglangSettings = {}) {
  const {
    logprobs = 'processed',
    maxTokens = 512,
    hasAdapters = true,
    sees = true,
    isDeterministic = false,
  } = settings;
  const state = {
    /** Bodies by path, in order. */
    received: [] as { readonly path: string; readonly body: Record<string, unknown> }[],
    /** Taken in turn, one a sampling request. */
    faults: [] as Fault[],
    adapters: new Set<string>(),
    /** `weight_version` of what it computes with. */
    weights: 'default',
    /** How often it says that it still computes a request. */
    busyTimes: 0,
    answered: 0,
  };
  const send = (response: ServerResponse, { status, response: body }: Omit<Recorded, 'request'>): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const restart = (): void => {
    state.adapters.clear();
    state.weights = 'default';
  };
  const first = (temperature: number) => {
    const answer = structuredClone(recorded('first')) as Recorded & { response: Output };
    const scaled = logprobs === 'original' || temperature === 0 ? 1 : temperature;
    const [top] = answer.response.meta_info.output_top_logprobs;
    answer.response.meta_info.output_top_logprobs = [top!.map(([logprob, token]) => [logprob / scaled, token])];
    return answer;
  };
  const generate = (body: Record<string, unknown>, response: ServerResponse): void => {
    const params = body['sampling_params'] as { n: number; temperature: number; max_new_tokens: number };
    if (params.max_new_tokens === 1) return send(response, first(params.temperature));
    const fault = state.faults.shift();
    if (fault === 429) return send(response, { status: 429, response: 'busy' });
    if (fault === 500) return send(response, { status: 500, response: 'Internal Server Error' });
    if (fault === 'rubbish') return send(response, { status: 200, response: '<html>' });
    if (fault === 'hang') return;
    if (fault === 'restart') restart();
    if (fault === 'cut' || fault === 'restart') return void response.socket!.destroy();
    const adapter = body['lora_path'] as string | undefined;
    if (adapter !== undefined && !state.adapters.has(adapter)) {
      const { status, response: words } = recorded('unknown-adapter');
      const text = JSON.stringify(words).replaceAll('quorum-v9-00000000', adapter);
      return send(response, { status, response: text });
    }
    state.answered++;
    const answer = structuredClone(recorded('generate'));
    const outputs = (answer.response as Output[]).slice(0, params.n);
    for (const { meta_info } of outputs) meta_info.weight_version = state.weights;
    if (fault === 'short') outputs[0]!.output_ids.pop();
    send(response, { status: 200, response: params.n === 1 ? outputs[0] : outputs });
  };
  const answers: Record<string, (body: Record<string, unknown>) => Omit<Recorded, 'request'>> = {
    '/server_info': () => {
      const { status, response } = recorded('server-info');
      return { status, response: { ...(response as object), enable_deterministic_inference: isDeterministic } };
    },
    '/v1/models': () => {
      const list = structuredClone(recorded('models')) as Recorded & {
        response: { data: { max_model_len: number }[] };
      };
      list.response.data[0]!.max_model_len = maxTokens;
      return list;
    },
    '/load_lora_adapter': ({ lora_name: name }) => {
      if (!hasAdapters) return recorded('lora-disabled');
      if (!sees) return recorded('lora-missing');
      if (state.adapters.has(name as string)) return recorded('lora-twice');
      state.adapters.add(name as string);
      return recorded('lora-load');
    },
    '/unload_lora_adapter': ({ lora_name: name }) => {
      state.adapters.delete(name as string);
      return recorded('lora-unload');
    },
    '/flush_cache': () => recorded(state.busyTimes-- > 0 ? 'flush-busy' : 'flush'),
    '/update_weights_from_disk': ({ weight_version: version }) => {
      if (!sees) return recorded('reload-missing');
      state.weights = version as string;
      return recorded('reload');
    },
  };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
      const path = request.url!;
      state.received.push({ path, body });
      if (path === '/generate') generate(body, response);
      else send(response, answers[path]!(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const bodies = (path: string) => state.received.filter((one) => one.path === path).map(({ body }) => body);
  return { state, url, restart, bodies };
}
