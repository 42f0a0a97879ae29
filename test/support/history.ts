/** A history of calls on registers, and whether one machine could have produced it (linearizability, Herlihy & Wing 1990). */

export interface Call {
  readonly client: string;
  readonly key: string;
  readonly action: { readonly kind: 'set'; readonly value: string } | { readonly kind: 'get' };
  /** What came back: the value, or undefined for "no such key"; ignored for `set`. */
  readonly answer: string | undefined;
  /** Order of the moments in which it was begun and answered, on one counter. */
  readonly begun: number;
  readonly ended: number;
}

/** Undefined when some order explains every answer; else the key whose calls no order explains. */
export function impossibleKey(history: readonly Call[]): string | undefined {
  const byKey = new Map<string, Call[]>();
  for (const call of history) byKey.set(call.key, [...(byKey.get(call.key) ?? []), call]);
  for (const [key, calls] of byKey) if (!explainable(calls, undefined, new Set())) return key;
  return undefined;
}

/** Wing and Gong's search: take any call that no other remaining call precedes, apply it, and go on; `seen` prunes repeats. */
function explainable(remaining: readonly Call[], value: string | undefined, seen: Set<string>): boolean {
  if (remaining.length === 0) return true;
  const state = `${value} ${remaining.map((call) => call.begun).join()}`;
  if (seen.has(state)) return false;
  seen.add(state);
  const firstEnd = Math.min(...remaining.map((call) => call.ended));
  return remaining.some((call) => {
    if (call.begun > firstEnd) return false;
    if (call.action.kind === 'get' && call.answer !== value) return false;
    const rest = remaining.filter((other) => other !== call);
    return explainable(rest, call.action.kind === 'set' ? call.action.value : value, seen);
  });
}
