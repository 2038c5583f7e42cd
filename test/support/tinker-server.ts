/**
 * A small server that answers as a real Tinker API server did (test/fixtures/tinker/session.json). Requests that sample,
 * score or learn must be those that were recorded; the rest is answered for any version. Faults are given by path.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

interface Recorded {
  readonly path: string;
  readonly request: Body | null;
  readonly status: number;
  readonly location?: string;
  readonly response: Body;
}
type Body = Readonly<Record<string, unknown>>;
interface Result {
  readonly status: number;
  readonly response: unknown;
}

/** `pending`: the work never ends. `failed`: it ends without a result. `cut`: the server takes it, and the line breaks. */
export type Fault = 429 | 500 | 503 | 'rubbish' | 'cut' | 'pending' | 'failed' | 'try-again';

const ROOT = '/api/v1';
const records = JSON.parse(
  readFileSync(new URL('../fixtures/tinker/session.json', import.meta.url), 'utf8'),
) as readonly Recorded[];
export const recordedAt = (path: string): readonly Recorded[] =>
  records.filter((each) => each.path === `${ROOT}/${path}` && each.request !== null);
export const resultOf = ({ response }: Recorded): Result =>
  records.findLast(
    ({ path, request }) => path === `${ROOT}/retrieve_future` && request!['request_id'] === response['request_id'],
  )!;

/** Ids of this recording, sequence numbers, and names that differ from run to run are left out. */
const plain = (body: unknown): string =>
  JSON.stringify({ ...(body as Body), seq_id: undefined }).replaceAll(/(v\d+)-[0-9a-f]{8}/g, '$1');
const STRICT = new Set(['asample', 'forward', 'forward_backward', 'optim_step']);
const hasPicture = (body: Body): boolean => JSON.stringify(body).includes('"type":"image"');

export async function tinkerServer({ reads = false } = {}) {
  const received: { readonly path: string; readonly body: Body; readonly key: unknown }[] = [];
  const faults: { readonly path: string; readonly fault: Fault }[] = [];
  const results = new Map<string, Result>();
  const deleted: string[] = [];
  const inHand = { now: 0, most: 0 };
  let lost = false;
  let asked = 0;

  const work = (path: string, body: Body): Result => {
    if (path === 'save_weights' || path === 'save_weights_for_sampler') {
      const kind = path === 'save_weights' ? 'weights/' : '';
      return { status: 200, response: { path: `tinker://${String(body['model_id'])}/${kind}${String(body['path'])}` } };
    }
    const found = recordedAt(path).find(({ request }) => !STRICT.has(path) || plain(request) === plain(body));
    if (found === undefined) return { status: 400, response: { detail: `not recorded: ${path} ${plain(body)}` } };
    return resultOf(found);
  };
  const picturesRead = (body: Body): Result => {
    const { data } = body['forward_input'] as { data: { loss_fn_inputs: { target_tokens: { data: number[] } } }[] };
    const outputs = data.map((each, i) => ({
      logprobs: { data: each.loss_fn_inputs.target_tokens.data.map(() => -1 - i) },
    }));
    return { status: 200, response: { loss_fn_outputs: outputs } };
  };
  const send = (answer: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
    answer.writeHead(status, { 'content-type': 'application/json', ...headers });
    answer.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const taken = (path: string, body: Body, fault: Fault | undefined): string => {
    const id = `f${(asked += 1)}`;
    const result = reads && hasPicture(body) ? picturesRead(body) : work(path, body);
    if (fault !== 'pending')
      results.set(id, fault === 'failed' ? { status: 400, response: { detail: 'out of memory' } } : result);
    return id;
  };
  const respond = (path: string, body: Body, asking: IncomingMessage, answer: ServerResponse): void => {
    const at = faults.findIndex((each) => each.path === path);
    const fault = at === -1 ? undefined : faults.splice(at, 1)[0]!.fault;
    if (fault === 429 || fault === 503) return send(answer, fault, { detail: 'busy' }, { 'retry-after': '0' });
    if (fault === 500) return send(answer, 500, 'Internal Server Error');
    if (fault === 'rubbish') return send(answer, 200, '<html>');
    if (fault === 'try-again') return send(answer, 200, { type: 'try_again', request_id: 'f', queue_state: 'active' });
    if (path === 'get_server_capabilities')
      return send(answer, 200, { supported_models: [{ model_name: './tinyqwen3' }] });
    if (path === 'create_session') lost = false;
    if (path === 'create_session') return send(answer, 200, recordedAt(path)[0]!.response);
    if (lost && path !== 'retrieve_future') return send(answer, 404, { detail: 'Model not found' });
    if (path === 'session_heartbeat') return send(answer, 200, {});
    if (path === 'retrieve_future') {
      const result = results.get(String(body['request_id']));
      return result ? send(answer, result.status, result.response) : send(answer, 408, { detail: 'Timeout' });
    }
    const request_id = taken(path, body, fault);
    if (fault === 'cut') return void asking.socket.destroy();
    if (path !== 'create_model') return send(answer, 200, { request_id });
    const { response } = recordedAt(path)[body['model_seq_id'] as number]!;
    return send(answer, 200, { ...response, request_id });
  };
  const server = createServer((asking, answer) => {
    const path = asking.url!.replace(`${ROOT}/`, '');
    inHand.most = Math.max(inHand.most, (inHand.now += 1));
    answer.on('close', () => (inHand.now -= 1));
    let text = '';
    asking.setEncoding('utf8').on('data', (part: string) => (text += part));
    asking.on('end', () => {
      const body = (text === '' ? {} : JSON.parse(text)) as Body;
      received.push({ path, body, key: asking.headers['x-api-key'] });
      if (asking.method === 'DELETE') deleted.push(path);
      if (asking.method === 'DELETE') return send(answer, 200, {});
      if (path.endsWith('/archive')) return send(answer, 302, '', { location: `${ROOT}/download` });
      if (path === 'download') {
        const { response } = records.find((each) => each.path.endsWith('/download'))!;
        return void answer.end(Buffer.from(response['base64'] as string, 'base64'));
      }
      setImmediate(() => respond(path, body, asking, answer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    faults,
    deleted,
    inHand,
    /** Bodies of the requests to a path. */
    at: (path: string) => received.filter((each) => each.path === path).map(({ body }) => body),
    /** Forgets the session and its models until a new session begins. */
    lose: () => void (lost = true),
  };
}
