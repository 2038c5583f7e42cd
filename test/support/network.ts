/** A network between a worker and the other machines that a test cuts and mends: a proxy for each server behind it. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { runningFirst, startToyWorker, type WorkerProcess } from './worker-process.ts';

export interface Network {
  /** Nothing passes any more, and neither side is told. */
  cut(): void;
  /** What waited passes. */
  mend(): void;
  /** The connections from before are reset; new ones pass. */
  reset(): void;
}

/** A toy worker whose NATS and HTTP pass through a network of its own. @param ports of NATS and of the daemon's HTTP. */
export async function workerBehindNetwork(
  name: string,
  ports: { readonly nats: number; readonly http: number },
  milliseconds = 0,
): Promise<WorkerProcess & Network> {
  const [nats, http] = await Promise.all([proxyTo(ports.nats), proxyTo(ports.http)]);
  const rerouted = `const direct = fetch;
    globalThis.fetch = (url, options) => direct(String(url).replace(':${ports.http}/', ':${http.port}/'), options);`;
  const worker = startToyWorker(`nats://127.0.0.1:${nats.port}`, name, milliseconds, runningFirst(rerouted));
  const both = (act: 'cut' | 'mend' | 'reset') => (): void => [nats, http].forEach((each) => each[act]());
  return { ...worker, cut: both('cut'), mend: both('mend'), reset: both('reset') };
}

async function proxyTo(target: number): Promise<Network & { readonly port: number }> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (chunk: Buffer) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => isCut || from.resume());
    from.on('error', () => from.destroy()).on('end', () => to.end());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (isCut) from.pause();
  };
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    join(near, far);
    join(far, near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => sockets.forEach((socket) => socket.destroy());
  onTestFinished(() => {
    server.close();
    close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
      for (const socket of sockets) socket.resume();
    },
    reset() {
      isCut = false;
      close();
    },
  };
}
