/* A hash map with open addressing and deletion by shifting back: random keys in 512 KiB of slots, so that lookups miss the caches. */
#include "guest.h"

#define EXPECTED 0xcf9059d7u

#define SLOTS (1u << 16)
#define OPERATIONS 1000000u

static struct slot { u32 key, value; } slots[SLOTS];
static u32 used;

static u32 hash(u32 key) {
  key ^= key >> 16;
  key *= 0x7feb352d;
  key ^= key >> 15;
  key *= 0x846ca68b;
  return (key ^ key >> 16) & (SLOTS - 1);
}

/* The key's slot, or the empty one where it belongs. Key 0 is no key. */
static struct slot *find(u32 key) {
  u32 at = hash(key);
  while (slots[at].key && slots[at].key != key) at = (at + 1) & (SLOTS - 1);
  return &slots[at];
}

static void put(u32 key, u32 value) {
  struct slot *slot = find(key);
  if (!slot->key) {
    if (used == SLOTS - SLOTS / 4) return;
    used++;
    slot->key = key;
    slot->value = 0;
  }
  slot->value += value;
}

static u32 take(u32 key) {
  struct slot *slot = find(key);
  if (!slot->key) return 0;
  u32 value = slot->value, hole = slot - slots, at = hole;
  used--;
  for (;;) {
    slots[hole].key = 0;
    u32 home;
    do {
      at = (at + 1) & (SLOTS - 1);
      if (!slots[at].key) return value;
      home = hash(slots[at].key);
    } while (hole <= at ? hole < home && home <= at : hole < home || home <= at);
    slots[hole] = slots[at];
    hole = at;
  }
}

int main(void) {
  u32 checksum = 0, seed = 12345;
  for (u32 i = 0; i < OPERATIONS; i++) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    u32 key = (seed >> 4) % 60000 + 1;
    switch (seed & 15) {
      case 0: case 1: case 2: checksum = checksum * 31 + take(key); break;
      case 3: case 4: case 5: case 6: put(key, i); break;
      default: {
        struct slot *slot = find(key);
        checksum += slot->key ? slot->value : 1;
      }
    }
  }
  return report("hashmap", checksum ^ used, EXPECTED);
}
