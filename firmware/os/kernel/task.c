/* Tasks: a fixed set, each with its page tables and its kernel stack; round robin, 10 ms slices, pre-empted in U-mode only. */
#include "kernel.h"

#define STACK_PAGES 4
#define SLICE (TICKS_PER_SECOND / 100)
#define KERNEL_STACK 4096

/* How the linker script of the tasks lays out a program: this header, then text on pages of its own, then data and bss. */
struct program { u32 entry, text_end, data_end, bss_end; };
extern const u8 shell_program[], kv_program[], worker_program[];

static const struct { const char *name; const u8 *program; } table[TASKS] = {
    [TASK_SHELL] = {"shell", shell_program},
    [TASK_KV] = {"kv", kv_program},
    [TASK_WORKER0] = {"worker0", worker_program},
    [TASK_WORKER1] = {"worker1", worker_program},
};

struct task tasks[TASKS];
struct task *current;
u32 context_switches;
static u8 stacks[TASKS][KERNEL_STACK] __attribute__((aligned(16)));
static u64 slice_end;

static void map(struct task *task, u32 address, u32 flags, const u8 *from, u32 bytes) {
  u8 *page = page_take();
  if (!page || !vm_add_page(task->root, address, flags, page)) panic("no memory for task %s", task->name);
  memcpy(page, from, bytes);
  task->pages++;
}

/* A fresh copy of the program, and a frame that enters it. */
static void load(struct task *task, struct frame *frame) {
  const u8 *image = table[task - tasks].program;
  const struct program *program = (const struct program *)image;
  task->pages = 0;
  for (u32 at = USER_BASE; at < program->bss_end; at += PAGE) {
    u32 bytes = at >= program->data_end ? 0 : program->data_end - at < PAGE ? program->data_end - at : PAGE;
    map(task, at, at < program->text_end ? PTE_R | PTE_X : PTE_R | PTE_W, image + (at - USER_BASE), bytes);
  }
  for (u32 i = 1; i <= STACK_PAGES; i++) map(task, USER_STACK_TOP - i * PAGE, PTE_R | PTE_W, image, 0);
  memset(frame, 0, sizeof *frame);
  frame->pc = program->entry;
  frame->x[2] = USER_STACK_TOP;
  frame->x[10] = task - tasks; /* a0: which task it is */
  __asm__ volatile("fence.i" ::: "memory");
}

void task_restart(struct task *task, struct frame *frame) {
  message_task_died(task);
  vm_clear(task->root);
  load(task, frame);
  task->restarts++;
}

void tasks_start(void) {
  for (u32 i = 0; i < TASKS; i++) {
    struct task *task = &tasks[i];
    task->name = table[i].name;
    task->deadline = NEVER;
    task->root = vm_create();
    if (!task->root) panic("no memory for task %s", task->name);
    struct frame *frame = (struct frame *)(stacks[i] + KERNEL_STACK - 144); /* where trap.S puts it */
    load(task, frame);
    task->sp = (u32 *)((u8 *)frame - 64);
    task->sp[0] = (u32)user_return; /* what switch_stack returns to */
  }
  SET_CSR(sie, 1 << 5);
  WRITE_CSR(scounteren, 2); /* tasks may read the time */
  __asm__ volatile("csrc sstatus, %0" ::"r"(1 << 8 | 1 << 1)); /* SPP = U, SIE = 0 */
  u32 *nowhere;
  current = &tasks[TASK_SHELL];
  current->since = ticks_now();
  vm_use(current->root);
  timer_want(slice_end = ticks_now() + SLICE);
  switch_stack(&nowhere, current->sp);
  panic("the boot stack ran on");
}

static u64 wake_sleepers(void) {
  u64 now = ticks_now(), first = NEVER;
  for (u32 i = 0; i < TASKS; i++) {
    struct task *task = &tasks[i];
    if (task->state != TASK_ASLEEP || task->deadline == NEVER) continue;
    if (task->deadline <= now) task->state = TASK_READY;
    else if (task->deadline < first) first = task->deadline;
  }
  return first;
}

static struct task *other_ready(void) {
  for (u32 i = 1; i < TASKS; i++) {
    struct task *task = &tasks[(u32)(current - tasks + i) % TASKS];
    if (task->state == TASK_READY) return task;
  }
  return NULL;
}

void schedule(void) {
  struct task *next, *me = current;
  u64 now = ticks_now();
  me->ticks += now - me->since;
  for (;;) {
    u64 deadline = wake_sleepers();
    next = other_ready();
    if (!next && me->state == TASK_READY) next = me;
    now = ticks_now();
    slice_end = now + SLICE;
    timer_want(next && slice_end < deadline ? slice_end : deadline);
    if (next) break;
    /* wfi ends when something is pending, whether or not it would be taken: interrupts stay off in the kernel. */
    __asm__ volatile("wfi");
    interrupts();
  }
  next->since = now;
  if (next == me) return;
  current = next;
  context_switches++;
  next->switches++;
  vm_use(next->root);
  switch_stack(&me->sp, next->sp);
}

void slice_check(void) {
  u64 deadline = wake_sleepers();
  /* A task that an interrupt woke goes first: it will soon sleep again, and its device is idle meanwhile. */
  if (other_ready() || ticks_now() >= slice_end) schedule();
  else timer_want(slice_end < deadline ? slice_end : deadline);
}

void sleep_on(const void *channel, u64 deadline) {
  current->state = TASK_ASLEEP;
  current->channel = channel;
  current->deadline = deadline;
  schedule();
  current->channel = NULL;
  current->deadline = NEVER;
}

void wake(const void *channel) {
  for (u32 i = 0; i < TASKS; i++)
    if (tasks[i].state == TASK_ASLEEP && tasks[i].channel == channel) tasks[i].state = TASK_READY;
}
