/**
 * Measures what pages that request as much as they may cost the loop: the share of the daemon's main thread and the
 * delay of its event loop, without a page and under each load in turn.
 */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { encode } from '../src/protocol/codec.ts';
import { FRAMES_VERSION, type ClientFrame } from '../src/protocol/frames.ts';
import type { Row } from './measure.ts';
import { inTurns, type Turns } from './turns.ts';

const SECONDS = 15;
/** Time within which the daemon notices that pages are gone. */
const GONE_SECONDS = 20;
/** A page stops sending while more bytes than this are unsent, as the daemon reads more slowly than it sends. */
const MOST_UNSENT = 2 ** 16;

interface Load {
  readonly name: string;
  readonly pages: number;
  /** Frames a second of each page. */
  readonly rate: number;
  readonly frame: (id: number) => ClientFrame;
  readonly target?: number;
}

const TEXTS = ['how', 'many', 'what', 'area', 'e', 'x'];

/** Varies the request, so that it is almost never in the daemon's cache. */
function groups(id: number): ClientFrame {
  const filter = {
    text: TEXTS[id % TEXTS.length]!,
    minShare: (id % 17) / 20,
    verdict: id % 2 === 0 ? 'kept' : 'dropped',
  } as const;
  return { type: 'request', id, method: 'groups', params: { filter, limit: 50 + (id % 151) } };
}

function anything(id: number): ClientFrame {
  const limit = 1 + (id % 200);
  const frames: ClientFrame[] = [
    groups(id),
    { type: 'request', id, method: 'history', params: { maxPoints: 100 + (id % 1000) } },
    { type: 'request', id, method: 'versions', params: { limit } },
    { type: 'request', id, method: 'events', params: { limit } },
    { type: 'request', id, method: 'questions', params: {} },
  ];
  return frames[id % frames.length]!;
}

const LOADS: readonly Load[] = [
  { name: 'no page', pages: 0, rate: 1, frame: groups },
  { name: '20 pages, 20 questions a second each', pages: 20, rate: 20, frame: groups },
  { name: '64 pages at their limit', pages: 64, rate: 24, frame: anything, target: 10 },
  {
    name: '10 pages that repeat one setting',
    pages: 10,
    rate: 20,
    frame: (id) => ({ type: 'command', id, command: { type: 'set', path: 'sampling.temperature', value: 0.7 } }),
  },
];

export function benchPages(root: string, model: string): Promise<Row[]> {
  const take = async ({ address, measure }: Turns): Promise<Row[]> => {
    await measure(2); // gives the pages something to ask for
    const rows: Row[] = [];
    for (const load of LOADS) rows.push(...(await underLoad(address, load)));
    return rows;
  };
  return inTurns(root, model, take, (rows) => rows);
}

async function underLoad(address: string, { name, pages, rate, frame, target }: Load): Promise<Row[]> {
  let id = 0;
  let answers = 0;
  const sockets = await Promise.all(Array.from({ length: pages }, () => openPage(address, () => (answers += 1))));
  const timers = sockets.map((socket) =>
    setInterval(() => {
      if (socket.readyState === socket.OPEN && socket.bufferedAmount < MOST_UNSENT)
        socket.send(encode(frame((id += 1))));
    }, 1000 / rate),
  );
  try {
    await pause(2000);
    const before = await readings(address);
    answers = 0;
    await pause(1000 * SECONDS);
    const after = await readings(address);
    const share = {
      name: 'main thread of the daemon',
      value: (100 * (after.active - before.active)) / SECONDS,
      unit: '%',
    };
    return [
      { name: `with ${name}: messages to them`, value: answers / SECONDS, unit: '/s' },
      target === undefined ? share : { ...share, target },
      { name: 'delay of its event loop, 99th percentile', value: 1000 * after.lag, unit: 'ms' },
    ];
  } finally {
    for (const timer of timers) clearInterval(timer);
    for (const socket of sockets) socket.terminate();
    if (pages > 0) await pause(1000 * GONE_SECONDS);
  }
}

async function openPage(address: string, onMessage: () => void): Promise<WebSocket> {
  const { host, origin } = new URL(address);
  const page = new WebSocket(`ws://${host}/ws`, { origin, perMessageDeflate: false });
  page.on('message', onMessage);
  await once(page, 'open');
  page.send(encode({ type: 'hello', v: FRAMES_VERSION }));
  return page;
}

async function readings(address: string): Promise<{ readonly active: number; readonly lag: number }> {
  const metrics = await (await fetch(new URL('/metrics', address))).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(metrics)?.[1]);
  return { active: value('quorum_event_loop_active_seconds_total'), lag: value('quorum_event_loop_lag_p99_seconds') };
}
