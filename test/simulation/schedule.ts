/** Virtual time: things that will happen, in order of time and then of being said. One unit is one millisecond; nothing here looks at a clock. */

export class Schedule {
  now = 0;
  private heap: { readonly at: number; readonly order: number; readonly act: () => void }[] = [];
  private order = 0;

  after(delay: number, act: () => void): void {
    const item = { at: this.now + delay, order: this.order++, act };
    let i = this.heap.length;
    this.heap.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(item, this.heap[parent])) break;
      this.heap[i] = this.heap[parent];
      i = parent;
    }
    this.heap[i] = item;
  }

  /** Does the next thing; false when there is none, or it lies beyond `end`. */
  next(end: number): boolean {
    const first = this.heap[0];
    if (first === undefined || first.at > end) return false;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) this.sink(last);
    this.now = first.at;
    first.act();
    return true;
  }

  private sink(item: { readonly at: number; readonly order: number; readonly act: () => void }): void {
    const { heap } = this;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], item)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = item;
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
