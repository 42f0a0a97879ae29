/* The kernel's own voice, and its end: a kernel bug powers the machine off as failed, so that nobody waits for it. */
#include "kernel.h"

static void put(void *context, char c) {
  (void)context;
  uart_put(c);
}

void print(const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  format(put, NULL, pattern, arguments);
  va_end(arguments);
}

void panic(const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  print("\nkernel panic: ");
  format(put, NULL, pattern, arguments);
  print("\n");
  va_end(arguments);
  sbi_reset(0, 1);
}

void kernel_trap(void) {
  panic("trap in the kernel: scause %x, sepc %X, stval %X", READ_CSR(scause), READ_CSR(sepc), READ_CSR(stval));
}
