/**
 * A server that answers as a real vLLM did (test/fixtures/vllm: requests and answers of vLLM 0.32 with models/mini), and
 * misbehaves as a test asks.
 */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readSafetensors } from '../../src/compute/hf/safetensors.ts';
import type { TensorMap } from '../../src/protocol/tensor.ts';

export interface Recorded {
  readonly request: { readonly messages?: unknown } & Record<string, unknown>;
  readonly status: number;
  readonly response: unknown;
}

export function recorded(name: string): Recorded {
  return JSON.parse(readFileSync(new URL(`../fixtures/vllm/${name}.json`, import.meta.url), 'utf8')) as Recorded;
}

/** What goes wrong with one chat completion. */
export type Fault = 429 | 500 | 'hang' | 'rubbish' | 'cut' | 'short' | 'restart';

export interface VllmServer {
  readonly url: string;
  /** Bodies by path, in order. */
  readonly received: {
    readonly path: string;
    readonly body: Record<string, unknown>;
    readonly key?: string | undefined;
  }[];
  /** Taken in turn, one a sampling request. */
  readonly faults: Fault[];
  /** Path by name. */
  readonly adapters: Map<string, string>;
  /** Of the model that it computes with: a processor keeps the output head until it reads another one. */
  readonly computes: { embeddings?: readonly number[]; head?: readonly number[] };
  /** How often it says that it still computes a request. */
  readonly busy: { times: number };
  /** Called when it has read weights, before it says so. */
  readonly hooks: { reloaded?: () => void };
  /** Sampling requests that it answered well. */
  answered(): number;
}

export interface VllmSettings {
  /** `processed` log-probabilities depend on the temperature. */
  readonly logprobs?: 'raw' | 'processed';
  /** Default: as recorded, 512. */
  readonly maxTokens?: number;
  /** Whether adapters can be loaded. */
  readonly hasAdapters?: boolean;
  readonly hasReload?: boolean;
  /** The folder that it serves. */
  readonly modelFolder?: string;
  /** `--enable-tower-connector-lora`. */
  readonly adaptsTower?: boolean;
}

export async function vllmServer(settings: VllmSettings = {}): Promise<VllmServer> {
  const {
    logprobs = 'processed',
    maxTokens = 512,
    hasAdapters = true,
    hasReload = true,
    modelFolder,
    adaptsTower = false,
  } = settings;
  const [chat, models, tokenize, unknown] = ['chat', 'models', 'tokenize', 'unknown-model'].map(recorded) as [
    Recorded,
    Recorded,
    Recorded,
    Recorded,
  ];
  const state = {
    received: [] as VllmServer['received'],
    faults: [] as Fault[],
    adapters: new Map<string, string>(),
    computes: {} as VllmServer['computes'],
    busy: { times: 0 },
    hooks: {} as VllmServer['hooks'],
    answered: 0,
  };
  const send = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const missing = { error: { message: 'Not Found' } };

  const probe = async (response: ServerResponse, temperature: number, adapter: string | undefined): Promise<void> => {
    if (temperature > 2) return send(response, 400, { error: { message: 'temperature must be in [0, 2]' } });
    const tower = adaptsTower && adapter !== undefined ? await towerOf(adapter) : 0;
    const logprob = (logprobs === 'raw' || temperature === 0 ? -0.5 : -0.5 / temperature) - Math.abs(tower);
    const answer = structuredClone(chat.response) as { choices: Record<string, unknown>[] };
    const likely = { token: '1', logprob };
    // What is drawn comes first; at another temperature it is another token.
    const drawn = temperature > 1 ? { token: '2', logprob: 2 * logprob } : likely;
    const content = [{ ...drawn, top_logprobs: drawn === likely ? [likely] : [drawn, likely] }];
    answer.choices = [{ ...answer.choices[0]!, token_ids: [9], logprobs: { content }, finish_reason: 'length' }];
    send(response, 200, answer);
  };
  const complete = (response: ServerResponse, request: IncomingMessage, body: Record<string, unknown>): void => {
    const model = body['model'] as string;
    const fault = state.faults.shift();
    if (fault === 429) return send(response, 429, { error: { message: 'too many requests' } }, { 'retry-after': '0' });
    if (fault === 500) return send(response, 500, 'Internal Server Error');
    if (fault === 'hang') return;
    if (fault === 'rubbish') return send(response, 200, '<html>');
    if (fault === 'cut') return void request.socket.destroy();
    if (fault === 'restart') {
      state.adapters.clear();
      return void request.socket.destroy();
    }
    if (model !== 'mini' && !state.adapters.has(model)) return send(response, unknown.status, unknown.response);
    state.answered++;
    const answer = structuredClone(chat.response) as { choices: { token_ids: number[] }[] };
    answer.choices.splice(body['n'] as number);
    if (fault === 'short') answer.choices[0]!.token_ids.pop();
    send(response, chat.status, answer);
  };
  const load = (response: ServerResponse, name: string, path: string): void => {
    const { status, response: words } = recorded('lora-load');
    if (!hasAdapters) return send(response, 404, missing);
    state.adapters.set(name, path);
    send(response, status, words);
  };
  const reload = async (response: ServerResponse): Promise<void> => {
    if (!hasReload) return send(response, 404, missing);
    const weights = modelFolder === undefined ? {} : await served(modelFolder);
    const { 'model.embed_tokens.weight': embeddings, 'lm_head.weight': head } = weights;
    if (embeddings) state.computes.embeddings = [...embeddings.data];
    if (head) state.computes.head = [...head.data];
    state.hooks.reloaded?.();
    send(response, 200, recorded('reload').response);
  };
  const resetPrefixes = (response: ServerResponse): void => {
    if (!hasReload) return send(response, 404, missing);
    const isBusy = state.busy.times > 0;
    if (isBusy) state.busy.times--;
    send(response, 200, recorded(isBusy ? 'reset-prefix-busy' : 'reset-prefix').response);
  };
  const answers: Record<
    string,
    (body: Record<string, unknown>, response: ServerResponse, request: IncomingMessage) => void | Promise<void>
  > = {
    '/v1/models': (_, response) => {
      const list = structuredClone(models.response) as { data: { max_model_len: number }[] };
      list.data[0]!.max_model_len = maxTokens;
      send(response, models.status, list);
    },
    '/tokenize': (body, response) => {
      const isRecorded = textOf(body) === textOf(tokenize.request);
      send(response, 200, isRecorded ? tokenize.response : { count: 1, max_model_len: 512, tokens: [1] });
    },
    '/v1/chat/completions': (body, response, request) =>
      body['max_tokens'] === 1
        ? probe(response, body['temperature'] as number, state.adapters.get(body['model'] as string))
        : complete(response, request, body),
    '/v1/load_lora_adapter': (body, response) =>
      load(response, body['lora_name'] as string, body['lora_path'] as string),
    '/v1/unload_lora_adapter': (body, response) => {
      state.adapters.delete(body['lora_name'] as string);
      send(response, 200, recorded('lora-unload').response);
    },
    '/collective_rpc': (_, response) => reload(response),
    '/reset_prefix_cache': (_, response) => resetPrefixes(response),
    '/reset_encoder_cache': (_, response) => send(response, 200, ''),
  };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
      state.received.push({ path: request.url!, body, key: request.headers.authorization });
      const answer = answers[request.url!];
      if (answer) void answer(body, response, request);
      else send(response, 404, missing);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    ...state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered: () => state.answered,
  };
}

/** The tensors of the folder, as vLLM finds them: those of the index, or of every file. */
async function served(folder: string): Promise<TensorMap> {
  const index = join(folder, 'model.safetensors.index.json');
  const names = existsSync(index)
    ? Object.values((JSON.parse(readFileSync(index, 'utf8')) as { weight_map: Record<string, string> }).weight_map)
    : readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  const files = await Promise.all([...new Set(names)].map((name) => readSafetensors(join(folder, name))));
  return Object.assign({}, ...files) as TensorMap;
}

/** The sum of what the adapter adds to the vision tower. */
async function towerOf(adapter: string): Promise<number> {
  const file = join(adapter, 'adapter_model.safetensors');
  const tensors = existsSync(file) ? Object.entries(await readSafetensors(file)) : [];
  const tower = tensors.filter(([name]) => /\.visual\..*lora_B/.test(name)).flatMap(([, { data }]) => [...data]);
  return tower.reduce((sum, value) => sum + value, 0);
}

/** The text of the user turn of a request. */
function textOf({ messages }: { readonly messages?: unknown }): string | undefined {
  const [{ content }] = messages as [{ content: { type: string; text?: string }[] }];
  return content.find(({ type }) => type === 'text')?.text;
}
