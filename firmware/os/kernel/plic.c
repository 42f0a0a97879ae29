/* The interrupt controller, PLIC 1.0.0, context 1 (S-mode of hart 0): every source has priority 1, the threshold is 0. */
#include "kernel.h"

#define PRIORITY ((volatile u32 *)0x0c000000)
#define ENABLE ((volatile u32 *)0x0c002080)
#define THRESHOLD ((volatile u32 *)0x0c201000)
#define CLAIM ((volatile u32 *)0x0c201004)
#define SOURCES 32

static void (*handlers[SOURCES])(void);
u32 interrupt_count;

void plic_enable(u32 irq, void (*handler)(void)) {
  handlers[irq] = handler;
  PRIORITY[irq] = 1;
  *ENABLE |= 1u << irq;
  *THRESHOLD = 0;
  SET_CSR(sie, 1 << 9);
}

void plic_dispatch(void) {
  u32 irq;
  while ((irq = *CLAIM)) {
    interrupt_count++;
    if (irq < SOURCES && handlers[irq]) handlers[irq]();
    *CLAIM = irq;
  }
}
