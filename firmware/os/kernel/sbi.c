/* The two SBI calls that the kernel makes (SBI 1.0 §6, §10). */
#include "kernel.h"

static void call(u32 extension, u32 function, u32 first, u32 second) {
  register u32 a0 __asm__("a0") = first;
  register u32 a1 __asm__("a1") = second;
  register u32 a6 __asm__("a6") = function;
  register u32 a7 __asm__("a7") = extension;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
}

void sbi_set_timer(u64 when) { call(0x54494d45, 0, (u32)when, (u32)(when >> 32)); }

void sbi_reset(u32 type, u32 reason) {
  for (;;) call(0x53525354, 0, type, reason);
}
