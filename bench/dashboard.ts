/**
 * Measures what the dashboard costs the loop: steps a minute of one daemon with no page open, with one, and with fifty,
 * of which one reads nothing. The three loads take turns.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { encode } from '../src/protocol/codec.ts';
import { FRAMES_VERSION } from '../src/protocol/frames.ts';
import { median } from '../src/lib/median.ts';
import type { Row } from './measure.ts';
import { against, inTurns, type Seconds, type Stretch, type Turns } from './turns.ts';

const CLIENTS = [0, 1, 50] as const;

interface Visited extends Stretch {
  /** Number of open pages. */
  readonly clients: number;
}

/** @param rounds of all three loads. @param steps learner steps under each load. */
export function benchDashboard(root: string, model: string, rounds: number, steps: number): Promise<Row[]> {
  const take = async (turns: Turns): Promise<Visited[]> => {
    const stretches: Visited[] = [];
    for (let round = 0; round < rounds; round++) {
      // Rotate the order, so that each load comes first equally often.
      for (let i = 0; i < CLIENTS.length; i++)
        stretches.push(await visited(turns, CLIENTS[(round + i) % CLIENTS.length]!, steps));
    }
    return stretches;
  };
  return inTurns(root, model, take, (stretches, seconds) => rowsOf(stretches, seconds, rounds, steps));
}

async function visited({ address, measure }: Turns, clients: number, steps: number): Promise<Visited> {
  const pages = await Promise.all(Array.from({ length: clients }, () => openPage(address)));
  if (pages.length > 1) pages[0]!.pause();
  try {
    return { clients, ...(await measure(steps)) };
  } finally {
    for (const page of pages) page.terminate();
  }
}

/** Sends the requests of the dashboard's first page, then reads every update. */
async function openPage(address: string): Promise<WebSocket> {
  const { host, origin } = new URL(address);
  const page = new WebSocket(`ws://${host}/ws`, { origin, perMessageDeflate: false });
  page.on('message', () => {});
  await once(page, 'open');
  page.send(encode({ type: 'hello', v: FRAMES_VERSION }));
  page.send(encode({ type: 'request', id: 1, method: 'history', params: { maxPoints: 1000 } }));
  page.send(encode({ type: 'request', id: 2, method: 'groups', params: { filter: {}, limit: 20 } }));
  return page;
}

function rowsOf(stretches: readonly Visited[], seconds: Seconds, rounds: number, steps: number): Row[] {
  const columns = CLIENTS.map((clients) => stretches.filter((stretch) => stretch.clients === clients));
  const alone = columns[0]!;
  return CLIENTS.flatMap((clients, i): Row[] => {
    const column = columns[i]!;
    const pages = `${clients} pages open${clients > 1 ? ', one of them reading nothing' : ''}`;
    const rate = {
      name: `loop with ${pages}`,
      value: median(column.map((stretch) => (60 * steps) / seconds(stretch))),
      unit: 'steps/min',
    };
    const cpu = {
      name: 'processor time of the daemon',
      value: median(column.map((stretch) => stretch.cpu / steps)),
      unit: 's/step',
    };
    const active = {
      name: 'main thread of the daemon',
      value: median(column.map((stretch) => stretch.active / steps)),
      unit: 's/step',
    };
    const cost = {
      name: 'main thread beyond that without pages, share of all processor time',
      value: (100 * (active.value - median(alone.map((each) => each.active / steps)))) / cpu.value,
      unit: '%',
      target: 2,
    };
    const here = {
      name: 'the pages themselves, on the same processors',
      value: median(column.map((stretch) => stretch.here / steps)),
      unit: 's/step',
    };
    const note = `${rounds} rounds of ${steps} steps`;
    if (clients === 0) return [{ ...rate, note }, cpu, active, here];
    return [
      { ...rate, note },
      {
        name: 'steps/min relative to the loop without pages',
        unit: 'x',
        target: 0.98,
        ...against(alone, column, seconds),
      },
      cpu,
      {
        name: 'processor time of the loop without pages relative to it',
        unit: 'x',
        ...against(alone, column, (stretch) => stretch.cpu),
      },
      active,
      cost,
      here,
    ];
  });
}
