/**
 * The rules of `protocol.md` that the mutation table switches off one at a time (test/simulation). All true in production: a replica whose
 * rule is off must be caught by the simulation's oracle, which is what makes the oracle worth believing.
 */

export interface Rules {
  /** Nothing leaves before the ack of its own entry. */
  readonly outputRule: boolean;
  /** `Won` freezes the log: in the same step the backup stops acking and closes the link. */
  readonly wonFreezes: boolean;
  /** The backup keeps outputs until they are accepted, and a new primary emits what it kept. */
  readonly keepUntilAccepted: boolean;
  /** Whoever suspects asks the arbiter first. */
  readonly arbiter: boolean;
  /** The loser of a claim halts, however alive the peer looks. */
  readonly loserHalts: boolean;
  /** A backup claims only after it has received `protect`. */
  readonly protectFirst: boolean;
  /** A new primary replays every received entry before it says hello. */
  readonly drainFirst: boolean;
  /** It runs nothing and emits nothing until every sink has answered. */
  readonly everySinkAnswers: boolean;
  /** What an answer says was accepted is not emitted again. */
  readonly skipAccepted: boolean;
  /** The last output leaves when all else is accepted and no request is pending. */
  readonly lastIsLast: boolean;
  /** `off` is said only after the last output is accepted. */
  readonly offAfterAccepted: boolean;
  /** Inputs are acked to the world only when their entry is. */
  readonly inputsAfterAck: boolean;
}

export const RULES: Rules = {
  outputRule: true,
  wonFreezes: true,
  keepUntilAccepted: true,
  arbiter: true,
  loserHalts: true,
  protectFirst: true,
  drainFirst: true,
  everySinkAnswers: true,
  skipAccepted: true,
  lastIsLast: true,
  offAfterAccepted: true,
  inputsAfterAck: true,
};
