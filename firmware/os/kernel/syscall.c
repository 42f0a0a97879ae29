/* System calls: arguments in a0..a4, number in a7, result in a0. A pointer is used only after the task's right to it is checked. */
#include "kernel.h"

#define DEVICE_BYTES (DISK_MAX_SECTORS * SECTOR_BYTES)

static i32 write(u32 address, u32 length) {
  char bytes[128];
  for (u32 done = 0; done < length;) {
    u32 step = length - done < sizeof bytes ? length - done : sizeof bytes;
    if (!vm_copy_in(current->root, bytes, address + done, step)) return BAD_POINTER;
    for (u32 i = 0; i < step; i++) uart_put(bytes[i]);
    done += step;
  }
  return length;
}

static i32 read(u32 address, u32 length) {
  u8 bytes[64];
  if (length == 0) return 0;
  u32 count = uart_read(bytes, length < sizeof bytes ? length : sizeof bytes);
  return vm_copy_out(current->root, address, bytes, count) ? (i32)count : BAD_POINTER;
}

static i32 disk(u32 operation, u32 sector, u32 address, u32 sectors) {
  static u8 buffer[DEVICE_BYTES] __attribute__((aligned(16)));
  static bool taken;
  if (operation > DISK_FLUSH || (operation != DISK_FLUSH && (sectors == 0 || sectors > DISK_MAX_SECTORS))) return BAD_CALL;
  while (taken) sleep_on(&taken, NEVER);
  taken = true;
  i32 result = BAD_POINTER;
  u32 bytes = operation == DISK_FLUSH ? 0 : sectors * SECTOR_BYTES;
  if (operation != DISK_WRITE || vm_copy_in(current->root, buffer, address, bytes)) {
    result = block_transfer(operation, sector, buffer, sectors);
    if (result == 0 && operation == DISK_READ && !vm_copy_out(current->root, address, buffer, bytes)) result = BAD_POINTER;
  }
  taken = false;
  wake(&taken);
  return result;
}

static i32 frame_out(u32 address, u32 length) {
  u8 bytes[FRAME_BYTES];
  if (length < 14 || length > sizeof bytes) return BAD_CALL;
  return vm_copy_in(current->root, bytes, address, length) ? net_send(bytes, length) : BAD_POINTER;
}

static i32 random(u32 address, u32 length) {
  u8 bytes[64];
  if (length == 0 || length > sizeof bytes) return BAD_CALL;
  i32 result = entropy_read(bytes, length);
  if (result > 0 && !vm_copy_out(current->root, address, bytes, result)) return BAD_POINTER;
  return result;
}

static i32 system_info(u32 address) {
  struct system_info info = {
      .memory_bytes = memory_bytes,
      .free_bytes = page_free_bytes(),
      .disk_sectors = block.sectors,
      .disk_read_only = block.read_only,
      .has_net = net.present,
      .has_entropy = has_entropy,
      .interrupts = interrupt_count,
      .switches = context_switches,
  };
  memcpy(info.mac, net.mac, 6);
  return vm_copy_out(current->root, address, &info, sizeof info) ? 0 : BAD_POINTER;
}

static i32 task_info(u32 number, u32 address) {
  if (number >= TASKS) return BAD_CALL;
  struct task *task = &tasks[number];
  struct task_info info = {
      .state = task->state,
      .restarts = task->restarts,
      .pages = task->pages,
      .switches = task->switches,
      .ticks = task->ticks,
  };
  memcpy(info.name, task->name, strlen(task->name));
  return vm_copy_out(current->root, address, &info, sizeof info) ? 0 : BAD_POINTER;
}

static i32 dispatch(const u32 *x) {
  switch (x[17]) {
    case SYS_NONE: return 0;
    case SYS_WRITE: return write(x[10], x[11]);
    case SYS_READ: return read(x[10], x[11]);
    case SYS_INTERRUPTED: return uart_interrupted();
    case SYS_SLEEP: sleep_on(NULL, ticks_now() + x[10]); return 0;
    case SYS_YIELD: schedule(); return 0;
    case SYS_ASK: return message_send(x[10], x[11], x[12], false);
    case SYS_ANSWER: return message_send(x[10], x[11], x[12], true);
    case SYS_RECEIVE: return message_receive(x[10], x[11], x[12]);
    case SYS_DISK: return disk(x[10], x[11], x[12], x[13]);
    case SYS_FRAME: return frame_out(x[10], x[11]);
    case SYS_RANDOM: return random(x[10], x[11]);
    case SYS_SYSTEM: return system_info(x[10]);
    case SYS_TASK: return task_info(x[10], x[11]);
    case SYS_POWEROFF: sbi_reset(0, 0);
  }
  return BAD_CALL;
}

void system_call(struct frame *frame) { frame->x[10] = dispatch(frame->x); }
