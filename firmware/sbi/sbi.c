/* The M-mode firmware: SBI 1.0 for the one hart of the board (BASE, TIME, IPI, RFENCE, SRST and the legacy calls 0..8).
 * It opens the machine to S-mode, enters the next stage, and from then on only answers ecalls and forwards the timer. */
typedef unsigned char u8;
typedef unsigned int u32;

#define READ(csr) ({ u32 v_; __asm__ volatile("csrr %0, " #csr : "=r"(v_)); v_; })
#define WRITE(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"r"(value) : "memory")
#define SET(csr, bits) __asm__ volatile("csrs " #csr ", %0" ::"r"(bits) : "memory")
#define CLEAR(csr, bits) __asm__ volatile("csrc " #csr ", %0" ::"r"(bits) : "memory")

/* Runs one instruction with mtvec pointing just past it: a trap lands there too, with 0 as the result instead of 1. */
#define TRY(instruction, output, input)                                                                  \
  ({                                                                                                     \
    u32 old_, done_;                                                                                     \
    __asm__ volatile("lla %1, 1f; csrrw %0, mtvec, %1; li %1, 0; " instruction "; li %1, 1\n"           \
                     ".balign 4\n1: csrw mtvec, %0"                                                      \
                     : "=&r"(old_), "=&r"(done_), "+r"(output) : "r"(input) : "memory");                 \
    done_;                                                                                               \
  })

#define UART ((volatile u8 *)0x10000000)
#define FINISHER ((volatile u32 *)0x00100000)
#define MSIP ((volatile u32 *)0x02000000)
#define MTIMECMP ((volatile u32 *)0x02004000)
#define DEFAULT_NEXT 0x80400000u

enum { SSIP = 1 << 1, MSIE = 1 << 3, STIP = 1 << 5, MTIE = 1 << 7 };
enum { MPP_MASK = 3 << 11, MPP_S = 1 << 11, MPIE = 1 << 7, MPRV = 1 << 17 };
enum { CAUSE_ECALL_S = 9, CAUSE_MSI = 0x80000003, CAUSE_MTI = 0x80000007 };
enum { SUCCESS = 0, NOT_SUPPORTED = -2, INVALID_PARAM = -3 };
enum { BASE = 0x10, TIME = 0x54494d45, IPI = 0x735049, RFENCE = 0x52464e43, SRST = 0x53525354 };

/* What start.S saves: the registers that C may change. */
struct frame { u32 ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7; };

/* OpenSBI's hand-over from the reset ROM (also QEMU's): who comes next, and where. */
struct fw_dynamic_info { u32 magic, version, next_addr, next_mode, options, boot_hart; };
#define FW_DYNAMIC_MAGIC 0x4942534fu

static u32 sstc; /* 1 when set_timer may write stimecmp, which S-mode then sees without a trap into M */

static void put(u8 c) {
  while (!(UART[5] & 0x20)) {}
  UART[0] = c;
}

static void put_text(const char *s) { while (*s) put(*s++); }

static void put_hex(u32 value) {
  for (int shift = 28; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
}

static void finish(u32 value) {
  for (;;) {
    *FINISHER = value;
    __asm__ volatile("wfi");
  }
}

static u32 next_stage(const struct fw_dynamic_info *info) {
  /* a2 is only a promise: before fw_dynamic it held anything, so the first look is guarded. */
  u32 magic = 0;
  if ((u32)info & 3 || !TRY("lw %2, 0(%3)", magic, info) || magic != FW_DYNAMIC_MAGIC) return DEFAULT_NEXT;
  return info->next_addr ? info->next_addr : DEFAULT_NEXT;
}

void sbi_init(const struct fw_dynamic_info *info) {
  u32 next = next_stage(info), none = 0, stce = 1u << 31;

  /* Everything that S-mode can handle goes there, illegal instructions included: nothing is emulated here. */
  WRITE(medeleg, 0xb1ff);
  WRITE(mideleg, 0x222);
  WRITE(mie, MSIE);
  /* One NAPOT entry over all of memory; without it S-mode could touch nothing. Absent PMP means no such limit. */
  TRY("csrw pmpaddr0, %3", none, ~0u);
  TRY("csrw pmpcfg0, %3", none, 0x1f);
  TRY("csrw mcounteren, %3", none, 7);
  TRY("csrw scounteren, %3", none, 7); /* S-mode's to say, but Linux leaves it as it finds it */
  TRY("csrw 0x320, %3", none, 0); /* mcountinhibit */
  /* Sstc (menvcfgh.STCE): present only if the bit sticks and stimecmph (0x15d) answers. */
  u32 enabled = 0;
  sstc = TRY("csrs 0x31a, %3", none, stce) && TRY("csrr %2, 0x31a", enabled, 0) && enabled >> 31 &&
         TRY("csrw 0x15d, %3", none, ~0u);
  MTIMECMP[1] = ~0u;
  WRITE(satp, 0);
  /* Last, since a guarded trap leaves its own mark in mstatus and mepc. */
  CLEAR(mstatus, MPP_MASK | MPIE | MPRV);
  SET(mstatus, MPP_S);
  WRITE(mepc, next);
}

static void set_timer(u32 low, u32 high) {
  if (sstc) {
    /* High word first to the far future, so that no half-written value is ever due. */
    __asm__ volatile("csrw 0x15d, %0; csrw 0x14d, %1; csrw 0x15d, %2" ::"r"(~0u), "r"(low), "r"(high));
    return;
  }
  MTIMECMP[1] = ~0u;
  MTIMECMP[0] = low;
  MTIMECMP[1] = high;
  CLEAR(mip, STIP);
  SET(mie, MTIE);
}

/* SRST §10: types shutdown, cold and warm reboot; reason 1 is a failure of the system, which the finisher can say. */
static u32 reset(u32 type, u32 reason) {
  if (type > 2 || reason > 1) return INVALID_PARAM;
  finish(type ? 0x7777 : reason ? 0x13333 : 0x5555);
  return SUCCESS;
}

/* Hart 0 is the only one: a mask must name it, and a base of -1 means all harts. */
static int names_us(u32 mask, u32 base) { return base == ~0u || (base == 0 && (mask & ~1u) == 0); }

static u32 fence(u32 function, u32 mask, u32 base) {
  if (function > 6) return NOT_SUPPORTED;
  if (!names_us(mask, base)) return INVALID_PARAM;
  __asm__ volatile("fence.i; sfence.vma" ::: "memory");
  return SUCCESS;
}

static u32 base(u32 function, u32 argument, u32 *value) {
  switch (function) {
    case 0: *value = 0x01000000; return SUCCESS; /* SBI 1.0 */
    case 1: *value = 0x5457; return SUCCESS;     /* implementation: "TW", unregistered */
    case 2: *value = 1; return SUCCESS;
    case 3:
      *value = argument <= 8 || argument == BASE || argument == TIME || argument == IPI || argument == RFENCE || argument == SRST;
      return SUCCESS;
    case 4: *value = READ(mvendorid); return SUCCESS;
    case 5: *value = READ(marchid); return SUCCESS;
    case 6: *value = READ(mimpid); return SUCCESS;
  }
  return NOT_SUPPORTED;
}

/* The legacy calls (SBI 1.0 §5) answer in a0 alone and leave a1. */
static u32 legacy(struct frame *f) {
  switch (f->a7) {
    case 0: set_timer(f->a0, f->a1); return 0;
    case 1: put(f->a0); return 0;
    case 2: return UART[5] & 1 ? UART[0] : ~0u;
    case 3: CLEAR(mip, SSIP); return 0;
    case 4: SET(mip, SSIP); return 0;
    case 8: finish(0x5555); return 0;
    default: return fence(0, 1, 0); /* 5, 6, 7 */
  }
}

static void call(struct frame *f) {
  u32 error = NOT_SUPPORTED, value = 0;
  if (f->a7 <= 8) {
    f->a0 = legacy(f);
    return;
  }
  switch (f->a7) {
    case BASE: error = base(f->a6, f->a0, &value); break;
    case TIME:
      if (f->a6 == 0) set_timer(f->a0, f->a1), error = SUCCESS;
      break;
    case IPI:
      if (f->a6 != 0) break;
      error = names_us(f->a0, f->a1) ? SUCCESS : INVALID_PARAM;
      if (error == SUCCESS && (f->a1 == ~0u || f->a0 & 1)) SET(mip, SSIP);
      break;
    case RFENCE: error = fence(f->a6, f->a0, f->a1); break;
    case SRST:
      if (f->a6 == 0) error = reset(f->a0, f->a1);
      break;
  }
  f->a0 = error;
  f->a1 = value;
}

void sbi_trap(struct frame *f) {
  u32 cause = READ(mcause);
  if (cause == CAUSE_ECALL_S) {
    WRITE(mepc, READ(mepc) + 4);
    call(f);
  } else if (cause == CAUSE_MTI) {
    /* Without Sstc: S-mode hears of the timer by STIP; MTIE stays off until the next set_timer. */
    CLEAR(mie, MTIE);
    SET(mip, STIP);
  } else if (cause == CAUSE_MSI) {
    *MSIP = 0;
    SET(mip, SSIP);
  } else {
    put_text("sbi: unexpected trap, mcause ");
    put_hex(cause);
    put_text(" mepc ");
    put_hex(READ(mepc));
    put_text(" mtval ");
    put_hex(READ(mtval));
    put_text("\r\n");
    finish(0x13333);
  }
}
