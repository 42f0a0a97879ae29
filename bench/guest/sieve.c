/* The sieve of Eratosthenes over a megabyte: strided byte stores. */
#include "guest.h"

#define EXPECTED 0x6fb673c0u

#define LIMIT (1u << 20)
#define ROUNDS 6

static u8 composite[LIMIT];

int main(void) {
  u32 checksum = 0;
  for (u32 round = 0; round < ROUNDS; round++) {
    for (u32 i = 0; i < LIMIT; i++) composite[i] = 0;
    for (u32 i = 2; i < LIMIT; i++) {
      if (composite[i]) continue;
      checksum = checksum * 31 + i;
      for (u32 j = i + i; j < LIMIT; j += i) composite[j] = 1;
    }
  }
  return report("sieve", checksum, EXPECTED);
}
