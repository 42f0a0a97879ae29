/* Indirect calls: objects of twelve kinds in a random order, each with a table of methods, as an object system or a driver layer has them. */
#include "guest.h"

#define EXPECTED 0xabc476dcu

#define OBJECTS 256
#define PASSES 6000

struct object;
struct methods { u32 (*step)(struct object *, u32); u32 (*weigh)(const struct object *); };
struct object { const struct methods *methods; u32 state, count; };

#define KIND(name, next, weight) \
  static u32 __attribute__((noinline)) name##_step(struct object *o, u32 x) { u32 s = o->state; o->count++; o->state = next; return s; } \
  static u32 __attribute__((noinline)) name##_weigh(const struct object *o) { return weight; } \
  static const struct methods name = {name##_step, name##_weigh};

KIND(adder, s + x, o->state)
KIND(xorer, s ^ x, o->state >> 1)
KIND(rotor, (s << 7 | s >> 25) + x, o->state + o->count)
KIND(multiplier, s * 33 + x, o->state ^ 0x55555555)
KIND(shifter, (s >> 3) ^ (x << 2), o->state & 0xffff)
KIND(latch, x & 1 ? x : s, o->count)
KIND(counter, s + 1 + (x & 1), o->count * 3)
KIND(largest, x > s ? x : s >> 1, o->state % 1000)
KIND(gray, s ^ (x >> 1) ^ x, ~o->state)
KIND(feedback, s >> 1 ^ (-(s & 1) & 0xedb88320) ^ x, o->state >> 16)
KIND(average, (s >> 1) + (x >> 1), o->state - o->count)
KIND(swapper, (s << 16 | s >> 16) - x, o->state | 1)

static const struct methods *const kinds[] = {&adder, &xorer, &rotor, &multiplier, &shifter, &latch,
                                              &counter, &largest, &gray, &feedback, &average, &swapper};
static struct object objects[OBJECTS];

int main(void) {
  u32 checksum = 0, seed = 99, x = 1;
  for (u32 i = 0; i < OBJECTS; i++) {
    seed = seed * 1664525 + 1013904223;
    objects[i] = (struct object){kinds[(seed >> 16) % 12], seed, 0};
  }
  for (u32 pass = 0; pass < PASSES; pass++) {
    for (u32 i = 0; i < OBJECTS; i++) x += objects[i].methods->step(&objects[i], x);
    if (pass % 8 == 0)
      for (u32 i = 0; i < OBJECTS; i++) checksum = checksum * 31 + objects[i].methods->weigh(&objects[i]);
  }
  return report("calls", checksum ^ x, EXPECTED);
}
