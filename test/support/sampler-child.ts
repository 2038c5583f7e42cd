/**
 * A sampler in a process of its own, for the plug-in `elsewhere.ts` of docs/plugins.md. Argument: JSON of
 * configuration. Messages: `{call, request, bytes}` in, `{call, reply}` or `{call, error}` out; `bytes` are the weights
 * of `request.version`, sent only when they change.
 */
import './ends-with-test.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openForSampling } from '../../src/policy/local/open.ts';
import { toErrorData } from '../../src/protocol/errors.ts';
import type { SampleRequest, WeightsRef } from '../../src/protocol/ports.ts';

interface Call {
  readonly call: number;
  readonly request: SampleRequest;
  readonly bytes?: Uint8Array;
}

let held: WeightsRef | undefined;
const sampler = openForSampling(configSchema.parse(JSON.parse(process.argv[2]!)), async () => held!);

async function answer({ call, request, bytes }: Call): Promise<object> {
  try {
    if (bytes)
      held = { version: request.version, id: `call ${call}`, size: bytes.length, read: () => Promise.resolve(bytes) };
    return { call, reply: await (await sampler).sample(request) };
  } catch (error) {
    return { call, error: toErrorData(error) };
  }
}

process.on('message', (message: Call) => void answer(message).then((reply) => process.send!(reply)));
process.on('disconnect', () => process.exit());
