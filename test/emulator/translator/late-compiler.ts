/** A compiler whose modules come after a number of polls that a seed says, out of order, or never: a thread's, without one. */
import { compile } from '../../../emulator/translator/compile.ts';
import type { Compiled, CompileJob, Compiler } from '../../../emulator/translator/compiler.ts';
import type { Random } from '../../support/random.ts';

export class LateCompiler implements Compiler {
  readonly #random: Random;
  readonly #longest: number;
  #polls = 0;
  #jobs: { readonly job: CompileJob; readonly due: number }[] = [];
  /** Jobs whose module has been taken, in the order taken. */
  readonly taken: number[] = [];
  never = 0;

  constructor(random: Random, longest = 40) {
    this.#random = random;
    this.#longest = longest;
  }

  request(job: CompileJob): void {
    if (this.#random.oneIn(8)) this.never += 1;
    else this.#jobs.push({ job, due: this.#polls + this.#random.below(this.#longest) });
  }

  take(): Compiled | undefined {
    this.#polls += 1;
    const ready = this.#jobs.filter(({ due }) => due <= this.#polls);
    if (ready.length === 0) return undefined;
    const { job } = this.#random.pick(ready);
    this.#jobs = this.#jobs.filter((other) => other.job !== job);
    this.taken.push(job.id);
    return compile(job, true);
  }
}
