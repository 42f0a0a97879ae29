/**
 * The fence (protocol.md, "The fence"; ARCHITECTURE.md, invariant 7): the one epoch that the world's sinks obey, and what they have
 * begun. All sinks share it: a hello at any of them with a higher epoch fences older replicas everywhere, so that never two are obeyed.
 */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './arbiter-file.ts';

export class Fence {
  #epoch = 0;
  #holder = '';
  #recorded: Promise<void> = Promise.resolve();
  readonly #file: string;

  /** `file`: where the epoch is recorded, in the run's folder. */
  constructor(file: string) {
    this.#file = file;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get holder(): string {
    return this.#holder;
  }

  /** Settles when the present epoch is on stable storage; rejects when it cannot be put there. */
  get recorded(): Promise<void> {
    return this.#recorded;
  }

  /** False: an epoch as high is held by someone else. From the return on, only this holder's requests may start. */
  raise(epoch: number, identity: string): boolean {
    if (epoch < this.#epoch || (epoch === this.#epoch && identity !== this.#holder)) return false;
    if (epoch === this.#epoch) return true;
    this.#epoch = epoch;
    this.#holder = identity;
    this.#recorded = this.#recorded.then(() => record(this.#file, epoch, identity));
    // Whoever waits for it sees the failure; nobody may be waiting yet.
    this.#recorded.catch(() => undefined);
    return true;
  }

  /** May a request of this replica start now? An identity is one process, which never goes back from live to backup. */
  obeys(epoch: number, identity: string): boolean {
    return identity === this.#holder && epoch <= this.#epoch && epoch > 0;
  }
}

/** Operations of one sink that were begun and have not ended. */
export class Begun {
  #count = 0;
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** When none is under way. */
  ended(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

async function record(file: string, epoch: number, identity: string): Promise<void> {
  const draft = `${file}.next`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`twinhart fence ${epoch} identity ${identity}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await syncDirectory(dirname(file));
}
