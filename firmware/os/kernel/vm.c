/* Sv32 (Privileged 20211203 §4.3). Memory and devices are mapped as they lie, with megapages, for the kernel alone; its own
 * 4 MiB has small pages so that text cannot be written. A and D are preset: hardware need not set them (Svade). */
#include "kernel.h"

#define MEGAPAGE (4u << 20)
#define KERNEL_BASE 0x80400000u
#define KERNEL_FLAGS (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D | PTE_G)

extern u8 _text_end[];

static u32 kernel_root[1024] __attribute__((aligned(4096)));
static u32 kernel_pages[1024] __attribute__((aligned(4096)));

static u32 pte(u32 address, u32 flags) { return address >> 12 << 10 | flags; }
static void *pte_page(u32 entry) { return (void *)(entry >> 10 << 12); }

static void megapage(u32 address) { kernel_root[address >> 22] = pte(address, KERNEL_FLAGS); }

void vm_start(u32 memory_end) {
  megapage(0x0c000000); /* PLIC */
  megapage(0x10000000); /* UART and virtio */
  for (u32 address = 0x80000000u; address < memory_end && address >= 0x80000000u; address += MEGAPAGE) megapage(address);
  for (u32 i = 0; i < 1024; i++) {
    u32 address = KERNEL_BASE + i * PAGE;
    u32 text = address < (u32)_text_end;
    kernel_pages[i] = pte(address, text ? PTE_V | PTE_R | PTE_X | PTE_A | PTE_G : KERNEL_FLAGS);
  }
  kernel_root[KERNEL_BASE >> 22] = pte((u32)kernel_pages, PTE_V);
  vm_use(kernel_root);
}

u32 *vm_create(void) {
  u32 *root = page_take();
  if (root) memcpy(root, kernel_root, PAGE);
  return root;
}

void vm_use(u32 *root) {
  WRITE_CSR(satp, 1u << 31 | (u32)root >> 12);
  __asm__ volatile("sfence.vma" ::: "memory");
}

void vm_clear(u32 *root) {
  for (u32 i = USER_BASE >> 22; i <= (USER_STACK_TOP - 1) >> 22; i++) {
    if (!root[i]) continue;
    u32 *table = pte_page(root[i]);
    for (u32 j = 0; j < 1024; j++)
      if (table[j]) page_give(pte_page(table[j]));
    page_give(table);
    root[i] = 0;
  }
  __asm__ volatile("sfence.vma" ::: "memory");
}

bool vm_add_page(u32 *root, u32 address, u32 flags, void *page) {
  u32 *entry = &root[address >> 22];
  if (!*entry) {
    void *table = page_take();
    if (!table) return false;
    *entry = pte((u32)table, PTE_V);
  }
  u32 *table = pte_page(*entry);
  table[address >> 12 & 1023] = pte((u32)page, flags | PTE_V | PTE_U | PTE_A | PTE_D);
  return true;
}

/* The kernel's address of a task's byte, or NULL when the task has no such right there. */
static u8 *user_byte(u32 *root, u32 address, u32 right) {
  if (address < USER_BASE || address >= USER_STACK_TOP) return NULL;
  u32 entry = root[address >> 22];
  if (!(entry & PTE_V)) return NULL;
  entry = ((u32 *)pte_page(entry))[address >> 12 & 1023];
  if ((entry & (PTE_V | PTE_U | right)) != (PTE_V | PTE_U | right)) return NULL;
  return (u8 *)pte_page(entry) + (address & (PAGE - 1));
}

static bool copy(u32 *root, u8 *ours, u32 theirs, u32 bytes, bool out) {
  while (bytes) {
    u32 step = PAGE - (theirs & (PAGE - 1));
    if (step > bytes) step = bytes;
    u8 *at = user_byte(root, theirs, out ? PTE_W : PTE_R);
    if (!at) return false;
    memcpy(out ? at : ours, out ? ours : at, step);
    ours += step, theirs += step, bytes -= step;
  }
  return true;
}

bool vm_copy_in(u32 *root, void *to, u32 from, u32 bytes) { return copy(root, to, from, bytes, false); }
bool vm_copy_out(u32 *root, u32 to, const void *from, u32 bytes) { return copy(root, (u8 *)from, to, bytes, true); }
