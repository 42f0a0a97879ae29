/**
 * The order of a region's blocks, and what is a loop: a WebAssembly `loop` where nothing enters but at its header, forward branches for the
 * rest, and a `br_table` for what is left: entries from outside, and cycles that are entered at more than one block. (Strongly connected
 * components, taken apart again without the edges to their heads: after Bourdoncle, "Efficient chaotic iteration strategies", 1993.)
 */

/** A sequence runs top to bottom; control goes forward in it, or back to the head of a loop or through the table of a dispatch around it. */
export type Flow =
  | { readonly kind: 'block'; readonly block: number }
  /** `body` begins with the block `header`. */
  | { readonly kind: 'loop'; readonly header: number; readonly body: readonly Flow[] }
  /** Control comes in, and around, at any of `targets` by a br_table. */
  | { readonly kind: 'dispatch'; readonly targets: readonly number[]; readonly body: readonly Flow[] };

/**
 * `successors[n]` are the blocks that block n may go to; `entries` those that control may come to from outside, in the order of their
 * numbers. The result is one dispatch, whose first targets are the entries; every block is in it once, if an entry leads to it.
 */
export function flowOf(successors: readonly (readonly number[])[], entries: readonly number[]): Flow & { readonly kind: 'dispatch' } {
  const external = new Set(entries);
  const reached = reachable(successors, entries);
  const targets = [...entries];
  return { kind: 'dispatch', targets, body: sequence(reached, successors, external, targets) };
}

/**
 * Blocks `nodes` in order. `heads`: those of them that control comes to by other ways than the edges among them. `targets`: of the dispatch
 * around them, which takes more; undefined inside a loop.
 */
function sequence(
  nodes: readonly number[],
  successors: readonly (readonly number[])[],
  heads: ReadonlySet<number>,
  targets: number[] | undefined,
): Flow[] {
  const components = connected(nodes, successors);
  const component = new Map<number, number>();
  for (const [n, members] of components.entries()) for (const node of members) component.set(node, n);
  const entered = new Set(heads);
  for (const node of nodes) {
    for (const to of successors[node]) if (component.has(to) && component.get(to) !== component.get(node)) entered.add(to);
  }
  return components.flatMap((members) => {
    const [first] = members;
    if (members.length === 1 && !successors[first].includes(first)) return [{ kind: 'block', block: first }];
    const headers = members.filter((node) => entered.has(node));
    if (headers.length === 1) {
      const [header] = headers;
      const inside = withoutEdgesTo(members, successors, header);
      return [{ kind: 'loop', header, body: sequence(members, inside, new Set(headers), undefined) }];
    }
    const cut = outermost(headers, members, successors);
    const inside = withoutEdgesTo(members, successors, cut);
    if (targets !== undefined) {
      if (!targets.includes(cut)) targets.push(cut);
      return sequence(members, inside, new Set(headers), targets);
    }
    const own = [...headers];
    return [{ kind: 'dispatch', targets: own, body: sequence(members, inside, new Set(headers), own) }];
  });
}

/** The one of `headers` without whose incoming edges the least is left in cycles: inner loops stay loops. */
function outermost(headers: readonly number[], members: readonly number[], successors: readonly (readonly number[])[]): number {
  let best = headers[0];
  let least = Number.POSITIVE_INFINITY;
  for (const header of headers.slice(0, CANDIDATES)) {
    const inside = withoutEdgesTo(members, successors, header);
    let left = 0;
    for (const component of connected(members, inside)) {
      if (component.length > 1 || inside[component[0]].includes(component[0])) left += component.length;
    }
    if (left < least) [best, least] = [header, left];
  }
  return best;
}

/** Headers that are tried, so that a large table of jumps stays cheap. */
const CANDIDATES = 24;

function withoutEdgesTo(
  members: readonly number[],
  successors: readonly (readonly number[])[],
  cut: number,
): readonly (readonly number[])[] {
  const kept: (readonly number[])[] = [];
  for (const node of members) kept[node] = successors[node].filter((to) => to !== cut);
  return kept;
}

function reachable(successors: readonly (readonly number[])[], from: readonly number[]): number[] {
  const seen = new Set(from);
  for (const node of seen) for (const to of successors[node]) seen.add(to);
  return [...seen];
}

/** Strongly connected components of the graph on `nodes`, each before those it leads to (Tarjan 1972, without recursion). */
function connected(nodes: readonly number[], successors: readonly (readonly number[])[]): number[][] {
  const inside = new Set(nodes);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();
  const found: number[][] = [];
  for (const root of nodes) {
    if (index.has(root)) continue;
    const path: { node: number; next: number }[] = [{ node: root, next: 0 }];
    while (path.length > 0) {
      const step = path[path.length - 1];
      const { node } = step;
      if (step.next === 0) {
        index.set(node, index.size);
        low.set(node, index.get(node)!);
        open.push(node);
        isOpen.add(node);
      }
      const to = successors[node][step.next++];
      if (to !== undefined) {
        if (!inside.has(to)) continue;
        if (!index.has(to)) path.push({ node: to, next: 0 });
        else if (isOpen.has(to)) low.set(node, Math.min(low.get(node)!, index.get(to)!));
        continue;
      }
      path.pop();
      if (path.length > 0) {
        const parent = path[path.length - 1].node;
        low.set(parent, Math.min(low.get(parent)!, low.get(node)!));
      }
      if (low.get(node) !== index.get(node)) continue;
      const members: number[] = [];
      for (;;) {
        const member = open.pop()!;
        isOpen.delete(member);
        members.push(member);
        if (member === node) break;
      }
      found.push(members.reverse());
    }
  }
  return found.reverse();
}
