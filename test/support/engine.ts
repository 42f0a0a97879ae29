/**
 * Machines with the engine that the vitest project at hand names in `ENGINE` (vitest.config.ts): the engine cases run once on each. What a
 * test says itself comes first.
 */

import type { Machine, MachineConfig, MachineOptions, Snapshot } from '../../emulator/index.ts';
import * as emulator from '../../emulator/index.ts';

const ENGINES = ['interpreter', 'translator', 'auto'] as const;

const named = ENGINES.find((engine) => engine === (process.env.ENGINE ?? 'interpreter'));
if (named === undefined) throw new Error(`ENGINE=${process.env.ENGINE}: want one of ${ENGINES.join(', ')}`);
const engine = named;

export const createMachine = (config: MachineConfig, options: MachineOptions = {}): Machine =>
  emulator.createMachine(config, { engine, ...options });

export const restoreMachine = (config: MachineConfig, snapshot: Snapshot, options: MachineOptions = {}): Machine =>
  emulator.restoreMachine(config, snapshot, { engine, ...options });
