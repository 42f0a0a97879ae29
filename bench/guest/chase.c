/* A chase through 8 MiB: one random cycle over 131,072 nodes of 64 bytes, each read whole: every step is another page and
 * another cache line. */
#include "guest.h"

#define EXPECTED 0x46ee5380u

#define NODES (1u << 17)
#define PASSES 6

#define WORDS 15

static struct node { u32 next, words[WORDS]; } nodes[NODES] SCRATCH;

int main(void) {
  u32 seed = 42, checksum = 0;
  for (u32 i = 0; i < NODES; i++) {
    nodes[i].next = i;
    for (u32 k = 0; k < WORDS; k++) nodes[i].words[k] = (i + k) * 2654435761u;
  }
  /* Sattolo: a permutation with one cycle. */
  for (u32 i = NODES - 1; i > 0; i--) {
    seed = seed * 1664525 + 1013904223;
    u32 j = (u32)((unsigned long long)seed * i >> 32), next = nodes[i].next;
    nodes[i].next = nodes[j].next;
    nodes[j].next = next;
  }
  for (u32 pass = 0, at = 0; pass < PASSES; pass++) {
    u32 sum = pass;
    for (u32 step = 0; step < NODES; step++) {
      for (u32 k = 0; k < WORDS; k++) sum = (sum << 1) ^ nodes[at].words[k];
      at = nodes[at].next;
    }
    checksum = checksum * 31 + sum;
    if (at != 0) return report("chase", at, 0);
  }
  return report("chase", checksum, EXPECTED);
}
