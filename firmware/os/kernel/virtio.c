/* virtio-mmio version 2 with split rings (virtio 1.2 §4.2, §2.7): finding a device, opening it, and one chain at a time. */
#include "kernel.h"

enum { MAGIC = 0x000 / 4, VERSION = 0x004 / 4, DEVICE_ID = 0x008 / 4, DEVICE_FEATURES = 0x010 / 4, DEVICE_FEATURES_SEL = 0x014 / 4,
       DRIVER_FEATURES = 0x020 / 4, DRIVER_FEATURES_SEL = 0x024 / 4, QUEUE_SEL = 0x030 / 4, QUEUE_NUM_MAX = 0x034 / 4,
       QUEUE_NUM = 0x038 / 4, QUEUE_READY = 0x044 / 4, QUEUE_NOTIFY = 0x050 / 4, INTERRUPT_STATUS = 0x060 / 4,
       INTERRUPT_ACK = 0x064 / 4, STATUS = 0x070 / 4, QUEUE_DESC = 0x080 / 4, QUEUE_DRIVER = 0x090 / 4, QUEUE_DEVICE = 0x0a0 / 4 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 };
#define SLOTS 8
#define VERSION_1 1u /* bit 32: bit 0 of the high word */

bool virtio_find(struct virtio *device, u32 device_id) {
  for (u32 slot = 0; slot < SLOTS; slot++) {
    volatile u32 *r = (volatile u32 *)(0x10001000u + slot * 0x1000);
    if (r[MAGIC] != 0x74726976 || r[VERSION] != 2 || r[DEVICE_ID] != device_id) continue;
    device->registers = r;
    device->irq = 1 + slot;
    return true;
  }
  return false;
}

static void set_address(volatile u32 *registers, u32 which, const volatile void *address) {
  registers[which] = (u32)address;
  registers[which + 1] = 0;
}

static i32 refuse(volatile u32 *r) {
  r[STATUS] = FAILED;
  return -1;
}

i32 virtio_open(struct virtio *device, u32 wanted, struct virtio_queue *queues, u32 count) {
  volatile u32 *r = device->registers;
  r[STATUS] = 0;
  r[STATUS] = ACKNOWLEDGE;
  r[STATUS] = ACKNOWLEDGE | DRIVER;
  r[DEVICE_FEATURES_SEL] = 1;
  if (!(r[DEVICE_FEATURES] & VERSION_1)) return refuse(r);
  r[DEVICE_FEATURES_SEL] = 0;
  u32 features = r[DEVICE_FEATURES] & wanted;
  r[DRIVER_FEATURES_SEL] = 0;
  r[DRIVER_FEATURES] = features;
  r[DRIVER_FEATURES_SEL] = 1;
  r[DRIVER_FEATURES] = VERSION_1;
  r[STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK;
  if (!(r[STATUS] & FEATURES_OK)) return refuse(r);
  for (u32 i = 0; i < count; i++) {
    r[QUEUE_SEL] = i;
    if (r[QUEUE_READY] || r[QUEUE_NUM_MAX] < VIRTIO_QUEUE) return refuse(r);
    r[QUEUE_NUM] = VIRTIO_QUEUE;
    set_address(r, QUEUE_DESC, queues[i].desc);
    set_address(r, QUEUE_DRIVER, &queues[i].avail);
    set_address(r, QUEUE_DEVICE, &queues[i].used);
    r[QUEUE_READY] = 1;
  }
  return features;
}

void virtio_ready(struct virtio *device, void (*handler)(void)) {
  plic_enable(device->irq, handler);
  device->registers[STATUS] |= DRIVER_OK;
}

void virtio_submit(struct virtio *device, struct virtio_queue *queue, u32 number, u16 head) {
  queue->avail.ring[queue->avail.index % VIRTIO_QUEUE] = head;
  FENCE(); /* the entry before the index, the index before the bell */
  *(volatile u16 *)&queue->avail.index = queue->avail.index + 1;
  FENCE();
  device->registers[QUEUE_NOTIFY] = number;
}

bool virtio_used(struct virtio_queue *queue, u32 *id, u32 *length) {
  if (*(volatile u16 *)&queue->used.index == queue->seen) return false;
  FENCE();
  u32 at = queue->seen++ % VIRTIO_QUEUE;
  *id = queue->used.ring[at].id;
  *length = queue->used.ring[at].length;
  return true;
}

void virtio_acknowledge(struct virtio *device) { device->registers[INTERRUPT_ACK] = device->registers[INTERRUPT_STATUS]; }
