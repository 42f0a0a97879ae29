/** One thread of `npm run sim -- --runs N`: plays a range of seeds. */
import { type Findings, play, seeds } from './plans.ts';

export interface Range {
  readonly first: number;
  readonly count: number;
}

export default function run({ first, count }: Range): Findings {
  return play(seeds(first, count), {}, Number.POSITIVE_INFINITY);
}
