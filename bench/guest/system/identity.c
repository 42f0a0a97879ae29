/* Sv32 tables that map RAM onto itself. */
#include "system.h"

u32 leaves[PAGES] __attribute__((section(".noinit"), aligned(4096)));
static u32 root[1024] __attribute__((aligned(4096)));

u32 identity(u32 flags) {
  for (u32 page = 0; page < PAGES; page++) leaves[page] = (0x80000 + page) << 10 | PTE_ALL | flags;
  for (u32 i = 0; i < PAGES / 1024; i++) root[0x200 + i] = ((u32)&leaves[i * 1024] >> 12) << 10 | 1;
  return 0x80000000 | (u32)root >> 12;
}
