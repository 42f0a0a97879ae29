/* Physical pages from the end of the kernel to the end of memory. Pages never used are never touched, so that a machine's
 * memory stays clean (and its state small) until it is needed. */
#include "kernel.h"

extern u8 _kernel_end[];

u32 memory_bytes;
static u8 *fresh, *end;
static void *returned; /* a list through the pages' first words */
static u32 returned_count;

void page_start(u32 memory_end) {
  memory_bytes = memory_end - 0x80000000u;
  fresh = _kernel_end;
  end = (u8 *)memory_end;
}

void *page_take(void) {
  u8 *page = returned;
  if (page) {
    returned = *(void **)page;
    returned_count--;
  } else if (fresh < end) {
    page = fresh;
    fresh += PAGE;
  } else {
    return NULL;
  }
  return memset(page, 0, PAGE);
}

void page_give(void *page) {
  *(void **)page = returned;
  returned = page;
  returned_count++;
}

u32 page_free_bytes(void) { return (u32)(end - fresh) + returned_count * PAGE; }
