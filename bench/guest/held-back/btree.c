/* A B-tree of order 16 with insertion, look-up and range scans, beside a binary heap: binary searches, shifts of arrays, pointers. */
#include "../guest.h"

#define EXPECTED 0xe4f58a7du

#define HALF 8
#define MOST (2 * HALF - 1)
#define POOL 8192
#define INSERTS 40000

struct page { u32 count, leaf, keys[MOST], values[MOST]; struct page *children[MOST + 1]; };
static struct page pool[POOL] SCRATCH;
static struct page *root;
static u32 pages;
static u32 heap[4096], heap_size;

static struct page *new_page(u32 leaf) {
  struct page *p = &pool[pages++];
  p->count = 0, p->leaf = leaf;
  return p;
}

static u32 position(const struct page *p, u32 key) {
  u32 low = 0, high = p->count;
  while (low < high) {
    u32 middle = (low + high) / 2;
    if (p->keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

static void split(struct page *parent, u32 at) {
  struct page *left = parent->children[at], *right = new_page(left->leaf);
  right->count = HALF - 1;
  for (u32 i = 0; i < HALF - 1; i++) right->keys[i] = left->keys[i + HALF], right->values[i] = left->values[i + HALF];
  if (!left->leaf)
    for (u32 i = 0; i < HALF; i++) right->children[i] = left->children[i + HALF];
  left->count = HALF - 1;
  for (u32 i = parent->count; i > at; i--) {
    parent->keys[i] = parent->keys[i - 1], parent->values[i] = parent->values[i - 1];
    parent->children[i + 1] = parent->children[i];
  }
  parent->keys[at] = left->keys[HALF - 1], parent->values[at] = left->values[HALF - 1];
  parent->children[at + 1] = right;
  parent->count++;
}

static void insert(u32 key, u32 value) {
  if (root->count == MOST) {
    struct page *old = root;
    root = new_page(0);
    root->children[0] = old;
    split(root, 0);
  }
  for (struct page *p = root;;) {
    u32 at = position(p, key);
    if (at < p->count && p->keys[at] == key) {
      p->values[at] += value;
      return;
    }
    if (p->leaf) {
      for (u32 i = p->count; i > at; i--) p->keys[i] = p->keys[i - 1], p->values[i] = p->values[i - 1];
      p->keys[at] = key, p->values[at] = value;
      p->count++;
      return;
    }
    if (p->children[at]->count == MOST) {
      split(p, at);
      if (p->keys[at] == key) continue;
      if (p->keys[at] < key) at++;
    }
    p = p->children[at];
  }
}

static u32 look_up(u32 key) {
  for (const struct page *p = root;;) {
    u32 at = position(p, key);
    if (at < p->count && p->keys[at] == key) return p->values[at];
    if (p->leaf) return 0;
    p = p->children[at];
  }
}

static u32 scan(const struct page *p, u32 from, u32 to) {
  u32 sum = 0, at = position(p, from);
  for (;; at++) {
    if (!p->leaf) sum += scan(p->children[at], from, to);
    if (at == p->count || p->keys[at] >= to) return sum;
    sum += p->keys[at] ^ p->values[at];
  }
}

static void push(u32 x) {
  u32 i = heap_size++;
  for (; i > 0 && heap[(i - 1) / 2] > x; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
  heap[i] = x;
}

static u32 pop(void) {
  u32 least = heap[0], x = heap[--heap_size], i = 0;
  for (u32 child; (child = 2 * i + 1) < heap_size; i = child) {
    if (child + 1 < heap_size && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= x) break;
    heap[i] = heap[child];
  }
  heap[i] = x;
  return least;
}

int main(void) {
  u32 checksum = 0, seed = 2024;
  root = new_page(1);
  for (u32 i = 0; i < INSERTS; i++) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    insert(seed % 100000, i);
    checksum = checksum * 31 + look_up(seed / 3 % 100000);
    if (i % 64 == 0) checksum += scan(root, seed % 90000, seed % 90000 + 200);
    push(seed >> 3);
    if (heap_size == 4096 || seed % 3 == 0) checksum ^= pop();
  }
  return report("btree", checksum ^ pages, EXPECTED);
}
