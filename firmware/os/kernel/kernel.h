/* The kernel's own interfaces, one block a file. The kernel is never interrupted: interrupts are taken from U-mode, and
 * looked for in the idle loop; a trap from S-mode is a bug of ours and ends the run. */
#pragma once
#include "../common/abi.h"

#define READ_CSR(csr) ({ u32 v_; __asm__ volatile("csrr %0, " #csr : "=r"(v_)); v_; })
#define WRITE_CSR(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"r"(value) : "memory")
#define SET_CSR(csr, bits) __asm__ volatile("csrs " #csr ", %0" ::"r"(bits) : "memory")
#define FENCE() __asm__ volatile("fence iorw, iorw" ::: "memory")
#define PAGE 4096u

/* panic.c */
void print(const char *pattern, ...);
_Noreturn void panic(const char *pattern, ...);

/* sbi.c */
void sbi_set_timer(u64 when);
_Noreturn void sbi_reset(u32 type, u32 reason);

/* fdt.c: the size in bytes of the memory at 0x80000000, or 0 when the tree does not say. */
u32 fdt_memory_bytes(const void *tree);

/* page.c: physical pages, zeroed. Kernel addresses are physical addresses. */
void page_start(u32 memory_end);
void *page_take(void); /* NULL when there is none */
void page_give(void *page);
u32 page_free_bytes(void);
extern u32 memory_bytes;

/* vm.c: Sv32. A task sees its own pages at USER_BASE and below USER_STACK_TOP; the kernel is mapped in every table. */
#define USER_BASE 0x40000000u
#define USER_STACK_TOP 0x7ffff000u
enum pte { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32, PTE_A = 64, PTE_D = 128 };
void vm_start(u32 memory_end);
u32 *vm_create(void);
void vm_clear(u32 *root); /* gives back every page of the task, and keeps the root */
bool vm_add_page(u32 *root, u32 address, u32 flags, void *page);
void vm_use(u32 *root);
bool vm_copy_in(u32 *root, void *to, u32 from, u32 bytes); /* false when the task may not read there */
bool vm_copy_out(u32 *root, u32 to, const void *from, u32 bytes);

/* task.c */
struct frame { u32 pc, x[32]; }; /* what trap.S saves; x[0] is unused */
struct message { u32 length; u8 bytes[MESSAGE_BYTES]; };
struct task {
  u32 *sp; /* kernel stack pointer while another task runs: switch_stack in trap.S */
  u32 *root;
  const char *name;
  enum task_state state;
  const void *channel; /* what it sleeps on */
  u64 deadline;        /* when it wakes by itself; NEVER otherwise */
  u32 restarts, pages, switches;
  u64 ticks, since;
  u32 owes, mail, dead;       /* sets of tasks: whom it owes an answer; whose message waits; who died owing it one */
  struct message inbox[TASKS]; /* one slot a sender */
};
#define NEVER (~0ull)
extern struct task tasks[TASKS];
extern struct task *current;
extern u32 context_switches;
_Noreturn void tasks_start(void);
void task_restart(struct task *task, struct frame *frame);
void sleep_on(const void *channel, u64 deadline);
void wake(const void *channel);
void schedule(void); /* lets another ready task run, or idles until there is one */
void slice_check(void); /* after an interrupt from U-mode */

/* trap.S, trap.c, syscall.c, message.c */
void user_return(void);
void switch_stack(u32 **save, u32 *load);
void interrupts(void);
void timer_want(u64 when);
extern u32 interrupt_count;
void system_call(struct frame *frame);
i32 message_send(u32 to, u32 address, u32 length, bool answer);
i32 message_receive(u32 address, u32 capacity, u32 from_address);
void message_task_died(struct task *task);

/* plic.c */
void plic_enable(u32 irq, void (*handler)(void));
void plic_dispatch(void);

/* uart.c */
void uart_start(void);
void uart_put(char c);
u32 uart_read(u8 *bytes, u32 length); /* sleeps until there is input */
bool uart_interrupted(void);

/* virtio.c: one device, with queues of VIRTIO_QUEUE descriptors. */
#define VIRTIO_QUEUE 8
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
struct virtio_desc { u64 address; u32 length; u16 flags, next; };
struct virtio_queue {
  struct virtio_desc desc[VIRTIO_QUEUE];
  struct { u16 flags, index, ring[VIRTIO_QUEUE]; } avail __attribute__((aligned(4)));
  struct { u16 flags, index; struct { u32 id, length; } ring[VIRTIO_QUEUE]; } used __attribute__((aligned(4)));
  u16 seen; /* used entries that the driver has taken */
} __attribute__((aligned(16)));
struct virtio { volatile u32 *registers; u32 irq; };
bool virtio_find(struct virtio *device, u32 device_id);
/** Negotiates those of `wanted` that are offered; returns them, or -1 when the device refuses. */
i32 virtio_open(struct virtio *device, u32 wanted, struct virtio_queue *queues, u32 count);
void virtio_ready(struct virtio *device, void (*handler)(void));
void virtio_submit(struct virtio *device, struct virtio_queue *queue, u32 number, u16 head);
bool virtio_used(struct virtio_queue *queue, u32 *id, u32 *length);
void virtio_acknowledge(struct virtio *device);

/* block.c, net.c, entropy.c */
struct block_info { u32 sectors; bool read_only; };
extern struct block_info block;
void block_start(void);
i32 block_transfer(enum disk_operation operation, u32 sector, void *bytes, u32 sectors);
extern struct net_info { bool present; u8 mac[6]; } net;
void net_start(void);
i32 net_send(const void *bytes, u32 length);
u32 net_waiting(void); /* length of the first frame that has come, or 0 */
const void *net_frame(void);
void net_next(void); /* done with that frame */
extern bool has_entropy;
void entropy_start(void);
i32 entropy_read(void *bytes, u32 length);
