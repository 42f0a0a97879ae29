/** The machine's thread with the simulation's small machine: its program is the kernel command line, as JSON. */
import { workerData } from 'node:worker_threads';
import { type MachineData, MachineThread } from '../../src/host/machine-thread.ts';
import { ToyMachine } from '../support/toy-machine.ts';

new MachineThread(workerData as MachineData, (config) => new ToyMachine(JSON.parse(config.images.append))).loop();
