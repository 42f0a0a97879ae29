/** Entry of the machine's thread: see `machine-thread.ts`. */
import { workerData } from 'node:worker_threads';
import { createMachine } from '../../emulator/index.ts';
import { type MachineData, MachineThread } from './machine-thread.ts';

new MachineThread(workerData as MachineData, createMachine).loop();
