/** Every error that a user can meet: one table of stable codes, each with its exit status (cli.md) and what to do about it. */

export type ErrorCode = keyof typeof ERRORS;

const ERRORS = {
  USAGE: { status: 64, cure: 'twinhart --help lists the verbs, twinhart VERB --help the options.' },
  NOT_YET: { status: 64, cure: 'CHANGELOG.md says what this version has.' },
  NAME_TAKEN: { status: 64, cure: 'Choose another with --name, or end that one: twinhart ps shows it.' },
  NO_SUCH_RUN: { status: 64, cure: 'twinhart ps lists what runs; --state DIR looks in another state folder.' },
  NO_REPLICA: { status: 64, cure: 'twinhart ps shows which replicas there are.' },
  DISK_BUSY: { status: 64, cure: 'Two guests on one disk would destroy it: give each its own, or use --disk FILE,ephemeral for both.' },
  IMAGE_MISSING: { status: 65, cure: 'Give an ELF file, a raw kernel Image, or a name: os, linux, linux-initramfs.' },
  IMAGE_BAD: { status: 65, cure: 'Give a static RV32 ELF or a raw image that fits the memory (--memory).' },
  IMAGE_NOT_BUILT: { status: 65, cure: 'twinhart image build linux builds it, once for every checkout with the same recipe.' },
  APT: { status: 69, cure: 'Give apt a mirror of Debian (an entry with "main" in /etc/apt/sources.list.d), then build again.' },
  PACKAGES: { status: 69, cure: 'Install them with that command, then build again: building installs nothing by itself.' },
  IMAGE_BUILD: { status: 73, cure: 'The log says why. What was there before is as it was; build again when the cause is gone.' },
  IMAGE_DIFFERS: { status: 73, cure: 'Where the inputs are the same this is a defect of the recipe: report which bytes differ.' },
  LOG_MISSING: { status: 65, cure: 'Give a file that twinhart record -o FILE or twinhart run --record FILE made.' },
  LOG_BAD: { status: 65, cure: 'Record it again, or replay the file of the other replica.' },
  LOG_OTHER: { status: 65, cure: 'Replay it with the version and the images that it was recorded with.' },
  DISK: { status: 69, cure: 'Check that the file is there, is yours, and has at least 512 bytes (truncate -s 16M disk.img makes one).' },
  DISK_MISSING: {
    status: 69,
    cure: 'Make it with the command above, or leave out --disk: the guest then writes to memory, and it is gone at the end.',
  },
  NET: { status: 69, cure: 'Start the peer first (for example: passt, or QEMU with -netdev stream,server=on), or leave out --net.' },
  STATE: { status: 69, cure: 'Choose another folder with --state DIR; it must be yours, and on a local disk.' },
  ARBITER: { status: 69, cure: 'Choose another folder with --arbiter file:DIR; hard links and fsync must work there.' },
  RECORD: { status: 69, cure: 'The guest itself was not hurt. Record to a file system with room; what there is replays to where it ends.' },
  REPLICAS_GONE: { status: 69, cure: 'Nothing on the disk is lost that was acknowledged. Run it again; --json tells more.' },
  DIVERGENCE: { status: 70, cure: 'This is a defect of Twinhart. The folder of the run is kept: report it with the files there.' },
  LOST_WORK: { status: 70, cure: 'This is a defect of Twinhart: what is missing is listed above.' },
  FENCED: { status: 75, cure: 'Another replica carries on with this guest.' },
} as const;

/** What went wrong and why, in one line; the table adds what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, what: string) {
    super(what);
    this.code = code;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get cure(): string {
    return ERRORS[this.code].cure;
  }
}

/** The user ended it with a signal: nothing to explain. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** 128 and the signal's number, as shells have it. */
  readonly status: number;

  constructor(status: number) {
    super(`interrupted (${status})`);
    this.status = status;
  }
}

/** How an error is shown: what and why, then the stable code and what to do. */
export function explain(error: CliError): string {
  return `twinhart: ${error.message}\n  ${error.code}: ${error.cure}\n`;
}

/** The code for an exit status that a replica ended with. */
export function codeForStatus(status: number): ErrorCode {
  if (status === 65) return 'IMAGE_BAD';
  if (status === 75) return 'FENCED';
  if (status === 70) return 'DIVERGENCE';
  return 'REPLICAS_GONE';
}

/** The table, for a test that reads it. */
export const errorTable: Readonly<Record<ErrorCode, { readonly status: number; readonly cure: string }>> = ERRORS;
