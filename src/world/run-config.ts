/** One run of a pair, as the world writes it to `<state>/<name>/<run>/run.json` before it starts the replicas, and they read it. */

/** What executes instructions: `auto` interprets and translates what is hot, `translator` translates at first sight, waiting for each module. */
export const ENGINES = ['auto', 'interpreter', 'translator'] as const;
export type Engine = (typeof ENGINES)[number];

export interface RunConfig {
  readonly vm: string;
  /** Random, for each start: keys the arbiter, every link message and every batch. */
  readonly run: string;
  /** `<state>/<name>/<run>`: sockets, epoch-<n> keys, run.json. */
  readonly dir: string;
  readonly protection: 'pair' | 'solo';
  readonly machine: {
    readonly memoryBytes: number;
    readonly clock: 'host' | 'icount';
    /** 64 hex digits. */
    readonly seed: string;
    /** Decimal nanoseconds since 1970. */
    readonly bootTimeNs: string;
    readonly disk: { readonly sectors: number; readonly readOnly: boolean; readonly id: string } | undefined;
    /** MAC as 12 hex digits. */
    readonly net: { readonly mac: string } | undefined;
    readonly virtioConsole: boolean;
    /** `--no-reboot`: a reset by the guest ends the run. */
    readonly onReset: 'restart' | 'end';
    /** Absolute paths, and the sha256 that each file must have. */
    readonly images: {
      readonly firmware: FileRef | undefined;
      readonly main: FileRef;
      readonly initrd: FileRef | undefined;
      readonly append: string;
      readonly dtb: FileRef | undefined;
    };
  };
  /** Speed, never state: of each replica by itself, and no part of the configuration that both must share. A solo machine has the primary's. */
  readonly engines: { readonly primary: Engine; readonly backup: Engine };
  /** The backup takes its host's clock to be wrong by so much: for tests, whose replicas share one. */
  readonly backupClockOffsetMs: number;
  readonly maxInstructions: number | undefined;
  /** `--record FILE`: the primary writes FILE.primary, the backup FILE.backup; at the end the survivor's is renamed to FILE. */
  readonly record: string | undefined;
  /** `--profile FILE`: the replica that is live at the end writes it. */
  readonly profile: string | undefined;
  /** Unix socket of the world, and the link between the replicas (log and control). */
  readonly worldSocket: string;
  readonly linkSocket: string;
  /** UDP ports on 127.0.0.1 for the heartbeat, primary's and backup's. */
  readonly heartbeat: { readonly primary: number; readonly backup: number };
  /** Where the epoch keys of this run are: `<arbiter>/<name>/<run>`. The world makes it. */
  readonly arbiterDir: string;
  /** The world itself: where `ps` and `kill` ask (JSON lines), and which disk file it owns. */
  readonly world: { readonly pid: number; readonly controlSocket: string; readonly disk: string | undefined };
}

export interface FileRef {
  readonly path: string;
  readonly sha256: string;
}
