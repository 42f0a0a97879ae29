/* The disk: virtio-blk (virtio 1.2 §5.2), one request in flight, whose task sleeps until the device's interrupt. */
#include "kernel.h"

enum { BLOCK_DEVICE = 2, FEATURE_RO = 1 << 5, FEATURE_FLUSH = 1 << 9 };
enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, STATUS_OK = 0 };

struct block_info block;
static struct virtio device;
static struct virtio_queue queue;
static struct { u32 type, reserved; u64 sector; } header;
static volatile u8 status;
static bool can_flush, done;

static void interrupt(void) {
  u32 id, length;
  virtio_acknowledge(&device);
  while (virtio_used(&queue, &id, &length)) done = true;
  wake(&queue);
}

void block_start(void) {
  if (!virtio_find(&device, BLOCK_DEVICE)) return;
  i32 features = virtio_open(&device, FEATURE_RO | FEATURE_FLUSH, &queue, 1);
  if (features < 0) return;
  can_flush = features & FEATURE_FLUSH;
  block.read_only = features & FEATURE_RO;
  volatile u32 *capacity = device.registers + 0x100 / 4;
  block.sectors = capacity[1] ? ~0u : capacity[0];
  virtio_ready(&device, interrupt);
}

static void chain(u32 index, const volatile void *address, u32 length, u16 flags) {
  queue.desc[index] = (struct virtio_desc){(u32)address, length, flags, index + 1};
}

i32 block_transfer(enum disk_operation operation, u32 sector, void *bytes, u32 sectors) {
  if (!block.sectors) return NO_DEVICE;
  if (operation == DISK_FLUSH && !can_flush) return 0; /* such a device writes through (§5.2.6.2) */
  if (operation == DISK_WRITE && block.read_only) return IO_ERROR;
  if (operation != DISK_FLUSH && (sector >= block.sectors || sectors > block.sectors - sector)) return BAD_CALL;
  u32 next = 1;
  header.type = operation == DISK_READ ? TYPE_IN : operation == DISK_WRITE ? TYPE_OUT : TYPE_FLUSH;
  header.sector = operation == DISK_FLUSH ? 0 : sector;
  status = 0xff;
  chain(0, &header, sizeof header, DESC_NEXT);
  if (operation != DISK_FLUSH) chain(next++, bytes, sectors * SECTOR_BYTES, DESC_NEXT | (operation == DISK_READ ? DESC_WRITE : 0));
  chain(next, &status, 1, DESC_WRITE);
  done = false;
  virtio_submit(&device, &queue, 0, 0);
  while (!done) sleep_on(&queue, NEVER);
  return status == STATUS_OK ? 0 : IO_ERROR;
}
