/* Random bytes: virtio-entropy (virtio 1.2 §5.4), one request in flight. */
#include "kernel.h"

enum { ENTROPY_DEVICE = 4 };

bool has_entropy;
static struct virtio device;
static struct virtio_queue queue;
static u8 buffer[64];
static bool taken, done;
static u32 got;

static void interrupt(void) {
  u32 id;
  virtio_acknowledge(&device);
  while (virtio_used(&queue, &id, &got)) done = true;
  wake(&queue);
}

void entropy_start(void) {
  if (!virtio_find(&device, ENTROPY_DEVICE) || virtio_open(&device, 0, &queue, 1) < 0) return;
  has_entropy = true;
  virtio_ready(&device, interrupt);
}

i32 entropy_read(void *bytes, u32 length) {
  if (!has_entropy) return NO_DEVICE;
  while (taken) sleep_on(&taken, NEVER);
  taken = true;
  done = false;
  queue.desc[0] = (struct virtio_desc){(u32)buffer, length, DESC_WRITE, 0};
  virtio_submit(&device, &queue, 0, 0);
  while (!done) sleep_on(&queue, NEVER);
  if (length > got) length = got;
  memcpy(bytes, buffer, length);
  taken = false;
  wake(&taken);
  return length;
}
