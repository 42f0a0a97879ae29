/* Boot: find memory, map it, start the devices that are there, start the tasks. What is found is told by the shell's banner. */
#include "kernel.h"

void kernel_main(const void *tree) {
  u32 memory = fdt_memory_bytes(tree);
  if (memory < 8u << 20) panic("too little memory: %u bytes at 0x80000000, want 8 MiB", memory);
  if (memory > 1u << 30) memory = 1u << 30; /* more would not fit below the top of a 32-bit address space */
  page_start(0x80000000u + memory);
  vm_start(0x80000000u + memory);
  uart_start();
  block_start();
  net_start();
  entropy_start();
  tasks_start();
}
