/** What docs/dashboard.md and docs/security.md say of the dashboard, held against the dashboard. */
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createJiti } from 'jiti';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { LONGEST_FRAME } from '../../dashboards/server/connection.ts';
import { MOST_POINTS, MOST_ROWS } from '../../dashboards/server/fields.ts';
import { parseFrame } from '../../dashboards/server/inbound.ts';
import { LIVE_PATHS } from '../../src/config/live.ts';
import { configSchema } from '../../src/config/schema.ts';
import { listen } from '../../src/daemon/control-server.ts';
import type { ControlReply } from '../../src/protocol/control.ts';
import { CLOSE, type ClientFrame } from '../../src/protocol/frames.ts';
import { RUNNING } from '../cli/view/status.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { Browser, openDesk } from './server/support/browser.ts';

const rowsOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

test('every metric is in the table of metrics, with its help and its labels', async () => {
  const page = await (await (await openDesk()).get('/metrics')).text();
  const exported = [...page.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [`\`${name}\``, help]);
  const written = rowsOf('docs/dashboard.md').filter(([name]) => name!.startsWith('`quorum_'));
  expect(written.map(([name, , help]) => [name, help])).toEqual(exported);
  for (const [, name, labels] of page.matchAll(/^(\w+)\{([^}]*)\}/gm)) {
    const names = [...labels!.matchAll(/(\w+)="/g)].map(([, label]) => label).join(', ');
    expect([name, written.find(([cell]) => cell === `\`${name}\``)?.[1]]).toEqual([name, names]);
  }
});

test('every live setting is in the table of settings', () => {
  const text = rowsOf('docs/dashboard.md').flat().join(' ');
  for (const path of LIVE_PATHS) expect(text).toContain(`\`${path}\``);
});

test('what is said to stop a threat has a test of that name', () => {
  const rows = rowsOf('docs/security.md').filter((cells) => cells.at(-1)!.startsWith('`test/'));
  expect(rows.length).toBeGreaterThan(20);
  for (const cells of rows) {
    const [, file, name] = /^`(test\/\S+)`: (.*)$/.exec(cells.at(-1)!)!;
    const source = readFileSync(file!, 'utf8');
    expect({ file, name, exists: [`'${name}'`, `"${name}"`].some((quoted) => source.includes(quoted)) }).toEqual({
      file,
      name,
      exists: true,
    });
  }
});

const page = readFileSync('docs/clients.md', 'utf8');
const [controlPart, socketPart] = page.split('## The WebSocket');
/** In the first cell of each row. */
const jsonIn = (text: string, cell: number) =>
  [...text.matchAll(/^\|(.*)\|$/gm)].flatMap(
    ([, row]) => /^`({.*})`$/.exec(row!.split(' | ')[cell]?.trim() ?? '')?.[1] ?? [],
  );
const codeIn = (text: string) => /```js\n([\s\S]*?)```/.exec(text)![1]!;
const namesIn = (message: string) => [...message.matchAll(/['"]([a-z.]+)['"]/g)].map(([, name]) => name);

/** Runs an example of the page; what it prints. */
async function printed(code: string): Promise<string[]> {
  const lines: string[] = [];
  const print = vi.spyOn(console, 'log').mockImplementation((line: unknown) => void lines.push(String(line)));
  onTestFinished(() => print.mockRestore());
  await createJiti(import.meta.url).evalModule(code, { async: true, filename: join(process.cwd(), 'example.mjs') });
  return lines;
}

test('docs/clients.md has every request of the control socket, and the example speaks with it', async () => {
  const path = join(temporaryFolder(), 'daemon.sock');
  const asked: unknown[] = [];
  const server = await listen(path, async (request) => {
    asked.push(request);
    return { type: 'status', status: RUNNING };
  });
  onTestFinished(() => void server.close());
  const ask = async (line: string): Promise<ControlReply> => {
    let text = '';
    const socket = connect(path).setEncoding('utf8');
    socket.write(`${line}\n`);
    for await (const part of socket) text += String(part);
    return JSON.parse(text) as ControlReply;
  };
  const requests = jsonIn(controlPart!, 0);
  for (const request of requests)
    expect([request, await ask(request)]).toEqual([request, { type: 'status', status: RUNNING }]);
  expect(asked).toEqual(requests.map((request) => JSON.parse(request) as unknown));
  const refused = await ask('{"type": "dance"}');
  const known = refused.type === 'error' ? namesIn(refused.error.message.split('Expected')[1]!) : [];
  expect(known).toEqual(requests.map((request) => (JSON.parse(request) as { readonly type: string }).type));
  expect(await printed(codeIn(controlPart!).replace('runs/default/daemon.sock', path))).toEqual([
    String(RUNNING.version),
  ]);
});

test('docs/clients.md has every frame, method, command, limit and close code of the WebSocket, and the example speaks with it', async () => {
  const desk = await openDesk();
  const browser = await Browser.connect(desk.dashboard);
  const frames = jsonIn(socketPart!, 0).map((text) => JSON.parse(text) as { type: string });
  const isFrame = ({ type }: { type: string }) => ['hello', 'request', 'command'].includes(type);
  const methods = [...socketPart!.matchAll(/^\| `(\w+)` \| `({.*})` \|/gm)].map(([, method, params]) => ({
    method,
    params: JSON.parse(params!) as unknown,
  }));
  const commands = frames.filter((frame) => !isFrame(frame));
  const all = [
    ...frames.filter(isFrame),
    ...methods.map((request, i) => ({ type: 'request', id: 100 + i, ...request })),
    ...commands.map((command, i) => ({ type: 'command', id: 200 + i, command })),
  ] as ClientFrame[];
  for (const frame of all) {
    browser.send(frame);
    if (frame.type === 'hello') await browser.next('hello');
    else await browser.answerTo(frame.id);
  }
  const why = (frame: unknown) => {
    try {
      return parseFrame(frame) && '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(namesIn(why({ type: 'request', id: 1, method: 'x', params: {} }))).toEqual(
    methods.map(({ method }) => method),
  );
  expect(namesIn(why({ type: 'command', id: 1, command: { type: 'x' } }))).toEqual(commands.map(({ type }) => type));
  expect([...socketPart!.matchAll(/^\| `(4\d\d\d)`/gm)].map(([, code]) => Number(code))).toEqual(Object.values(CLOSE));
  for (const limit of [LONGEST_FRAME, MOST_ROWS, MOST_POINTS])
    expect(socketPart).toContain(`at most ${limit.toLocaleString('en')}`);
  const lines = await printed(codeIn(socketPart!).replaceAll('4747', String(desk.dashboard.port)));
  await vi.waitFor(() =>
    expect(lines.filter((line) => !line.startsWith('version '))).toEqual([
      'phase running, access control',
      expect.stringMatching(/^\d versions$/),
    ]),
  );
});

test('Prometheus gets the metrics as the scrape_configs of docs/dashboard.md ask for them', async () => {
  const [, text] = /```yaml\n(scrape_configs[\s\S]*?)```/.exec(readFileSync('docs/dashboard.md', 'utf8'))!;
  const { scrape_configs: jobs } = parse(text!) as {
    scrape_configs: { static_configs: { targets: string[] }[]; authorization: object }[];
  };
  const { host, port } = configSchema.parse({}).dashboard;
  expect(jobs).toMatchObject([
    { static_configs: [{ targets: [`${host}:${port}`] }], authorization: { credentials_file: expect.any(String) } },
  ]);
  const [viewToken, controlToken] = ['v'.repeat(16), 'c'.repeat(16)];
  const desk = await openDesk({ viewToken, controlToken });
  expect((await desk.get('/metrics')).status).toBe(401);
  expect((await desk.get('/metrics', { headers: { authorization: `Bearer ${viewToken}` } })).status).toBe(200);
});
