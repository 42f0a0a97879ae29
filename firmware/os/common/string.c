/* The memory and string functions that the compiler and the rest of the system expect. */
#include "types.h"

void *memcpy(void *to, const void *from, size_t bytes) {
  u8 *t = to;
  const u8 *f = from;
  if ((((u32)t | (u32)f) & 3) == 0)
    for (; bytes >= 4; bytes -= 4, t += 4, f += 4) *(u32 *)t = *(const u32 *)f;
  while (bytes--) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
  u8 *t = to;
  const u8 *f = from;
  if (t <= f || t >= f + bytes) return memcpy(to, from, bytes);
  while (bytes--) t[bytes] = f[bytes];
  return to;
}

void *memset(void *to, int value, size_t bytes) {
  u8 *t = to;
  u32 word = (u8)value * 0x01010101u;
  for (; bytes && (u32)t & 3; bytes--) *t++ = value;
  for (; bytes >= 4; bytes -= 4, t += 4) *(u32 *)t = word;
  while (bytes--) *t++ = value;
  return to;
}

int memcmp(const void *a, const void *b, size_t bytes) {
  const u8 *x = a, *y = b;
  for (; bytes; bytes--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

size_t strlen(const char *s) {
  const char *end = s;
  while (*end) end++;
  return end - s;
}

int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (u8)*a - (u8)*b;
}
