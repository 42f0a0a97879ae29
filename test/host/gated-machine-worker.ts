/**
 * The machine's thread as tests of deadlocks want it: behind a gate, and without its safety net. A bell that is not rung is a hang
 * here, where in production it would be a second's pause and nobody would notice.
 */
import { workerData } from 'node:worker_threads';
import { createMachine } from '../../emulator/index.ts';
import { Doorbell } from '../../src/host/doorbell.ts';
import { type MachineData, MachineThread } from '../../src/host/machine-thread.ts';
import { ToyMachine } from '../support/toy-machine.ts';
import { Gate } from './gate.ts';

/** The waits of 100 ms and a second that only look again; a guest's own sleeps are shorter. */
const NET_MS = 100;

const wait = Doorbell.prototype.wait;
Doorbell.prototype.wait = function (seen, ms) {
  wait.call(this, seen, ms >= NET_MS ? Number.POSITIVE_INFINITY : ms);
};

const data = workerData as MachineData;
const gate = new Gate(data.shared);
const program = data.config.images.append;
new MachineThread(data, (config) => gate.guard(program === '' ? createMachine(config) : new ToyMachine(JSON.parse(program)))).loop();
