/** The mutation table: each rule of protocol.md switched off, and what the oracle then ought to see. The rules themselves are never off in production. */
import type { Mutation } from './simulation.ts';

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'output rule off: outputs leave before their entry is acked': { rules: { outputRule: false } },
  'ack after Won: the log is not frozen': { rules: { wonFreezes: false } },
  'drop at compare: the backup forgets outputs that it has compared': { rules: { keepUntilAccepted: false } },
  'arbiter off: whoever suspects goes on alone': { rules: { arbiter: false } },
  'the loser of a claim goes on': { rules: { loserHalts: false } },
  'goes live undrained: not all received entries are replayed': { rules: { drainFirst: false } },
  'goes live before every sink has answered': { rules: { everySinkAnswers: false } },
  'emits again what an answer says was accepted': { rules: { skipAccepted: false } },
  'power-off leaves before everything else is accepted': { rules: { lastIsLast: false } },
  'off is said before the end is accepted': { rules: { offAfterAccepted: false } },
  'inputs are acked to the world before their entry is': { rules: { inputsAfterAck: false } },
  'a backup claims without having received protect': { rules: { protectFirst: false } },
  'a hello is answered undrained: begun operations have not ended': { world: { fenceWaits: false } },
  'requests are checked when read, not when started': { world: { fenceChecks: false } },
  'the world forgets inputs when it has sent them': { world: { keepsInputs: false } },
  'serialise in the host: overlapping requests are all let out': { flaws: { overlaps: true } },
  'interrupts only on entry: delivered near their icount': { backupFlaws: { inexact: true } },
  'bounce buffers off: a read reaches RAM when it comes': { host: { bounce: false } },
  'pending requests are not issued again': { host: { reissue: false } },
  'time backwards: the new primary starts from its own clock': { flaws: { timeBack: true }, host: { guestTime: false } },
};
