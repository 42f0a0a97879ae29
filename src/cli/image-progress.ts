/** How a build shows itself on stderr: a line for each phase that is done; on a terminal also one that moves, with what runs and the last line of its log. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { BuildEvent } from './image-build.ts';

const FRAME_MS = 250;
/** Enough of a log's end to have one whole line in it. */
const GLIMPSE_BYTES = 600;

export interface Progress {
  event(event: BuildEvent): void;
  end(): void;
}

export function progress(stream: NodeJS.WriteStream): Progress {
  const running = new Map<string, { readonly log: string; readonly since: number }>();
  const wipe = stream.isTTY ? '\r\x1b[K' : '';
  const draw = (): void => {
    const now = performance.now();
    const phases = [...running].map(([phase, { since }]) => `${phase} ${((now - since) / 1000).toFixed(0)} s`).join(' · ');
    const [first] = running.values();
    const text = first === undefined ? '' : ` ${phases}  ${lastLine(first.log)}`;
    stream.write(wipe + text.slice(0, Math.max(0, stream.columns - 1)));
  };
  const timer = stream.isTTY ? setInterval(draw, FRAME_MS) : undefined;
  return {
    event(event) {
      switch (event.kind) {
        case 'damaged':
          stream.write(`${wipe} damaged, and built again: ${event.what.join('; ')}\n`);
          break;
        case 'start':
          running.set(event.phase, { log: event.log, since: performance.now() });
          if (stream.isTTY) draw();
          break;
        case 'end':
          running.delete(event.phase);
          stream.write(`${wipe} ${event.phase.padEnd(10)} ${event.seconds.toFixed(1).padStart(6)} s\n`);
          break;
      }
    },
    end() {
      clearInterval(timer);
      stream.write(wipe);
    },
  };
}

/** The last line of a file that is being written, without what would move the cursor. */
function lastLine(path: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const piece = Buffer.alloc(GLIMPSE_BYTES);
    const read = readSync(fd, piece, 0, piece.length, Math.max(0, fstatSync(fd).size - GLIMPSE_BYTES));
    const lines = piece.toString('utf8', 0, read).trimEnd().split('\n');
    return stripVTControlCharacters(lines.at(-1) ?? '')
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
