/** What two replicas say to each other besides log batches. Every message carries run and epoch; another epoch's is refused with `fenced`. */

export type Seq = number;
export type Epoch = number;

/** For each sink (by name; opaque here) the ordinal of the last output made, released or accepted. */
export type Ordinals = Readonly<Record<string, number>>;

export interface Envelope {
  readonly run: string;
  readonly epoch: Epoch;
  readonly message: Message;
}

export type Message =
  /** First on every link, both ways. `config` is the configuration hash, `role` what the sender is. */
  | { readonly kind: 'hello'; readonly vm: string; readonly identity: string; readonly role: 'primary' | 'backup'; readonly config: string }
  /** Backup: every entry up to `seq` is in my memory, checked. Received, not executed. */
  | { readonly kind: 'ack'; readonly seq: Seq }
  /** Backup: my machine has replayed up to here; for lag control. */
  | { readonly kind: 'replayed'; readonly seq: Seq; readonly icount: number }
  /** Primary: the sinks have taken these for good; the backup may drop what it keeps up to them. */
  | { readonly kind: 'accepted'; readonly ordinals: Ordinals }
  /** Primary: the guest is off, everything before it is accepted: the backup may leave. */
  | { readonly kind: 'off'; readonly code: number }
  /** The sender knows a higher epoch than the message that it answers. */
  | { readonly kind: 'fenced'; readonly epoch: Epoch }
  /** Backup: my machine is not yours any more; I never claim. */
  | { readonly kind: 'diverged'; readonly report: string }
  | { readonly kind: 'keepalive' };
