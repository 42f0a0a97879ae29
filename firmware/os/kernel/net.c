/* The network card: virtio-net (virtio 1.2 §5.1). Eight receive buffers wait at the device; a frame stays in its buffer until the
 * kv server has taken it. One frame is sent at a time. */
#include "kernel.h"

enum { NET_DEVICE = 1, FEATURE_MAC = 1 << 5, RECEIVE = 0, TRANSMIT = 1 };
#define HEADER 12 /* struct virtio_net_hdr with num_buffers, as VERSION_1 has it */
#define BUFFER (HEADER + FRAME_BYTES + 2)

struct net_info net;
static struct virtio device;
static struct virtio_queue queues[2];
static u8 receive_buffers[VIRTIO_QUEUE][BUFFER] __attribute__((aligned(4)));
static u8 transmit_buffer[BUFFER] __attribute__((aligned(4)));
static bool sending;
static u32 first, first_length; /* the buffer that has been taken off the used ring, and what is in it */

static void interrupt(void) {
  u32 id, length;
  virtio_acknowledge(&device);
  while (virtio_used(&queues[TRANSMIT], &id, &length)) sending = false;
  wake(&queues[TRANSMIT]);
  wake(&tasks[TASK_KV]);
}

void net_start(void) {
  if (!virtio_find(&device, NET_DEVICE)) return;
  i32 features = virtio_open(&device, FEATURE_MAC, queues, 2);
  if (features < 0) return;
  volatile u8 *mac = (volatile u8 *)device.registers + 0x100;
  for (u32 i = 0; i < 6; i++) net.mac[i] = features & FEATURE_MAC ? mac[i] : "\x52\x54\x00\x12\x34\x56"[i];
  net.present = true;
  virtio_ready(&device, interrupt);
  for (u32 i = 0; i < VIRTIO_QUEUE; i++) {
    queues[RECEIVE].desc[i] = (struct virtio_desc){(u32)receive_buffers[i], BUFFER, DESC_WRITE, 0};
    virtio_submit(&device, &queues[RECEIVE], RECEIVE, i);
  }
}

i32 net_send(const void *bytes, u32 length) {
  if (!net.present) return NO_DEVICE;
  while (sending) sleep_on(&queues[TRANSMIT], NEVER);
  memset(transmit_buffer, 0, HEADER);
  memcpy(transmit_buffer + HEADER, bytes, length);
  queues[TRANSMIT].desc[0] = (struct virtio_desc){(u32)transmit_buffer, HEADER + length, 0, 0};
  sending = true;
  virtio_submit(&device, &queues[TRANSMIT], TRANSMIT, 0);
  return 0;
}

u32 net_waiting(void) {
  while (first_length <= HEADER) {
    if (first_length) net_next(); /* no frame in it: straight back to the device */
    if (!virtio_used(&queues[RECEIVE], &first, &first_length)) return 0;
    if (first >= VIRTIO_QUEUE || first_length > BUFFER) panic("virtio-net: used buffer %u with %u bytes", first, first_length);
  }
  return first_length - HEADER;
}

const void *net_frame(void) { return receive_buffers[first] + HEADER; }

void net_next(void) {
  first_length = 0;
  virtio_submit(&device, &queues[RECEIVE], RECEIVE, first);
}
