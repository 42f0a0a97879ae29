/* Reads one fact from the flattened device tree (Devicetree Specification 0.3 §5): how much memory there is. */
#include "kernel.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4 };

static u32 big(const void *at) {
  const u8 *b = at;
  return (u32)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

static bool starts_with(const char *s, const char *prefix) {
  while (*prefix)
    if (*s++ != *prefix++) return false;
  return true;
}

u32 fdt_memory_bytes(const void *tree) {
  const u8 *base = tree;
  if (((u32)tree & 3) || big(base) != 0xd00dfeed) return 0;
  const u8 *at = base + big(base + 8);
  const char *names = (const char *)base + big(base + 12);
  u32 depth = 0, address_cells = 2, size_cells = 1; /* the specification's defaults */
  bool in_memory = false;
  for (;;) {
    u32 token = big(at);
    at += 4;
    if (token == BEGIN_NODE) {
      const char *name = (const char *)at;
      in_memory = ++depth == 2 && starts_with(name, "memory");
      at += (strlen(name) + 4) & ~3u;
    } else if (token == END_NODE) {
      depth--;
      in_memory = false;
    } else if (token == PROPERTY) {
      u32 length = big(at);
      const char *name = names + big(at + 4);
      const u8 *value = at + 8;
      if (depth == 1 && strcmp(name, "#address-cells") == 0) address_cells = big(value);
      if (depth == 1 && strcmp(name, "#size-cells") == 0) size_cells = big(value);
      if (in_memory && strcmp(name, "reg") == 0 && length >= 4 * (address_cells + size_cells))
        return big(value + 4 * (address_cells + size_cells - 1));
      at = value + ((length + 3) & ~3u);
    } else if (token != NOP) {
      return 0;
    }
  }
}
