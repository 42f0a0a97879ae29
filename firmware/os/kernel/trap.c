/* What to do with a trap from a task, and the timer: one deadline at a time, armed lazily, since each arming is an SBI call. */
#include "kernel.h"

enum { STIP = 1 << 5, SEIP = 1 << 9, INTERRUPT = 1u << 31, ECALL_U = 8 };

static u64 armed;
static bool is_armed;

void timer_want(u64 when) {
  /* An earlier alarm may stay: it costs one needless wake-up, less than re-arming at every switch. */
  if (is_armed && armed <= when) return;
  armed = when;
  is_armed = true;
  sbi_set_timer(when);
}

void interrupts(void) {
  u32 pending = READ_CSR(sip) & READ_CSR(sie);
  if (pending & STIP) {
    interrupt_count++;
    is_armed = false; /* still pending until the next timer_want, which both callers make at once */
  }
  if (pending & SEIP) plic_dispatch();
}

static const char *const causes[] = {
    "instruction misaligned", "instruction access fault", "illegal instruction", "breakpoint", "load misaligned",
    "load access fault", "store misaligned", "store access fault", "system call", "?", "?", "?",
    "instruction page fault", "load page fault", "?", "store page fault",
};

void user_trap(struct frame *frame) {
  u32 cause = READ_CSR(scause), value = READ_CSR(stval);
  if (cause & INTERRUPT) {
    interrupts();
    slice_check();
  } else if (cause == ECALL_U) {
    frame->pc += 4;
    system_call(frame);
  } else {
    print("\nkernel: task %s: %s at pc %X, address %X: restarted\n", current->name, cause < 16 ? causes[cause] : "?", frame->pc, value);
    task_restart(current, frame);
  }
}
