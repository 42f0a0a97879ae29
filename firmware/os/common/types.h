/* Integer types and the freestanding helpers that both the kernel and the tasks use. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/** CRC-32 (IEEE 802.3, reflected, as in zlib) of `bytes` bytes. */
u32 crc32(const void *data, size_t bytes);

/** %s %c %d %u %x (8 digits with %X) %U (u64, decimal) and a width for %s and %u, left-aligned with '-'. */
void format(void (*put)(void *context, char c), void *context, const char *pattern, va_list arguments);

/** The `time` CSR: 10 MHz ticks since reset, read so that a carry between the halves is never seen. */
static inline u64 ticks_now(void) {
  u32 high, low, again;
  do {
    __asm__ volatile("rdtimeh %0; rdtime %1; rdtimeh %2" : "=r"(high), "=r"(low), "=r"(again));
  } while (high != again);
  return (u64)high << 32 | low;
}
#define TICKS_PER_SECOND 10000000u
