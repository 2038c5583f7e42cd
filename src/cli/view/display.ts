/**
 * Shows the statuses of a daemon in this process: redrawn in place on a terminal, otherwise as plain lines, or as JSON
 * for machines.
 */
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Status } from '../../protocol/status.ts';
import { renderFrame } from './frame.ts';
import { plainLines } from './plain.ts';

export interface Display {
  show(status: Status): void;
  /** Leaves the last status on the screen and shows nothing after it. */
  end(): void;
}

export type DisplayKind = 'live' | 'plain' | 'json';

const FRAME_MILLISECONDS = 250;
/** ANSI: erases the screen but not the scroll-back, and moves to the first column. */
const CLEAR_SCREEN = '\u001B[2J\u001B[H';
const HINT = 'Ctrl-C finishes the step in hand, saves and stops';

export function chooseDisplay(json: boolean, out: NodeJS.WriteStream): DisplayKind {
  if (json) return 'json';
  // A serial line or a terminal without a window reports 0 rows and columns; a frame cannot be redrawn in place there.
  const hasSize = out.columns > 0 && out.rows > 0;
  return out.isTTY && hasSize && process.env['TERM'] !== 'dumb' && !process.env['CI'] ? 'live' : 'plain';
}

export function createDisplay(kind: DisplayKind, out: NodeJS.WriteStream): Display {
  if (kind === 'live') return live(out);
  return kind === 'plain' ? plain(out) : json(out);
}

/** Redraws on a timer, not with each status, so that clocks and spinners move and bursts cost nothing. */
function live(out: NodeJS.WriteStream): Display {
  const log = createLogUpdate(out);
  let latest: Status | undefined;
  let drawn = '';
  const draw = (status: Status, hint?: string): void => {
    const size = { width: (out.columns || 80) - 1, rows: (out.rows || 24) - 1 };
    const now = `${size.width} x ${size.rows}`;
    if (drawn !== '' && drawn !== now) {
      // After a resize the old frame wraps differently and may have scrolled, so its number of rows is unknown: clear
      // the whole screen.
      log.clear();
      out.write(CLEAR_SCREEN);
    }
    drawn = now;
    log(
      renderFrame(status, { ...size, colors: pc, cwd: process.cwd(), ...(hint === undefined ? {} : { hint }) }).join(
        '\n',
      ),
    );
  };
  const timer = setInterval(() => latest && draw({ ...latest, at: Date.now() }, HINT), FRAME_MILLISECONDS);
  return {
    show: (status) => {
      latest = status;
    },
    end: () => {
      clearInterval(timer);
      if (latest) draw(latest);
      log.done();
    },
  };
}

function plain(out: NodeJS.WriteStream): Display {
  let before: Status | undefined;
  return {
    show: (status) => {
      for (const line of plainLines(before, status)) out.write(`${line}\n`);
      before = status;
    },
    end: () => undefined,
  };
}

/** Writes a line of JSON, `{"type": "status", ...}`, for each new step, evaluation, phase or note. */
function json(out: NodeJS.WriteStream): Display {
  let before: Status | undefined;
  return {
    show: (status) => {
      if (plainLines(before, status).length > 0) out.write(`${JSON.stringify({ type: 'status', ...status })}\n`);
      before = status;
    },
    end: () => undefined,
  };
}
