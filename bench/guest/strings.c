/* String work: builds text, cuts it into words, counts them in a hash table, searches and reverses: byte loads and short loops. */
#include "guest.h"

#define EXPECTED 0x24bfceecu

#define ROUNDS 130
#define TEXT 16384
#define SLOTS 1024

static const char *const vocabulary[] = {"log", "entry", "replica", "epoch", "world", "host", "machine", "input", "output", "arbiter",
                                         "primary", "backup", "hart", "fence", "digest", "snapshot"};
static char text[TEXT];
static struct { u32 hash, count; } table[SLOTS];

static u32 length(const char *s) {
  u32 n = 0;
  while (s[n]) n++;
  return n;
}

static u32 build(u32 seed) {
  u32 at = 0;
  for (;;) {
    seed = seed * 1103515245 + 12345;
    const char *word = vocabulary[seed >> 16 & 15];
    u32 n = length(word);
    if (at + n + 2 > TEXT) break;
    for (u32 i = 0; i < n; i++) text[at++] = word[i];
    text[at++] = ' ';
  }
  text[at] = 0;
  return at;
}

static u32 count_words(void) {
  for (u32 i = 0; i < SLOTS; i++) table[i].count = 0;
  u32 hash = 2166136261u, most = 0;
  for (const char *p = text; *p; p++) {
    if (*p != ' ') {
      hash = (hash ^ (u8)*p) * 16777619;
      continue;
    }
    u32 slot = hash % SLOTS;
    while (table[slot].count && table[slot].hash != hash) slot = (slot + 1) % SLOTS;
    table[slot].hash = hash;
    if (++table[slot].count > most) most = table[slot].count;
    hash = 2166136261u;
  }
  return most;
}

static u32 find(const char *needle) {
  u32 found = 0;
  for (const char *p = text; *p; p++) {
    u32 i = 0;
    while (needle[i] && p[i] == needle[i]) i++;
    found += !needle[i];
  }
  return found;
}

static void reverse(u32 n) {
  for (u32 i = 0, j = n - 1; i < j; i++, j--) {
    char c = text[i];
    text[i] = text[j];
    text[j] = c;
  }
}

int main(void) {
  u32 checksum = 0;
  for (u32 round = 0; round < ROUNDS; round++) {
    u32 n = build(round);
    checksum = checksum * 31 + count_words();
    checksum = checksum * 31 + find("epoch world");
    reverse(n);
    checksum = checksum * 31 + find("tuptuo") + (u8)text[round];
  }
  return report("strings", checksum, EXPECTED);
}
