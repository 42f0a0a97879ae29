/** Does a well-behaved driver find the devices that virtio 1.2, machine.md and protocol.md ("Disk") describe? */
import { describe, expect, it } from 'vitest';
import { chachaBlock } from '../../emulator/chacha.ts';
import type { Emit } from '../../emulator/devices/device.ts';
import { VirtioBlock } from '../../emulator/devices/virtio/block.ts';
import { VirtioConsole } from '../../emulator/devices/virtio/console.ts';
import { VirtioEntropy } from '../../emulator/devices/virtio/entropy.ts';
import { VirtioMmio } from '../../emulator/devices/virtio/mmio.ts';
import { VirtioNet } from '../../emulator/devices/virtio/net.ts';
import {
  CONSOLE_QUEUE_BYTES,
  DISK_PENDING_BYTES_MAX,
  DISK_REQUEST_BYTES_MAX,
  ENTROPY_BUFFER_BYTES_MAX,
  FRAME_BYTES_MAX,
} from '../../emulator/limits.ts';
import { SnapshotError } from '../../emulator/snapshot.ts';
import { fromUtf8 } from '../../emulator/text.ts';
import { GuestMemory, RAM_BASE } from './guest-memory.ts';
import { NEEDS_RESET, R, VirtioDriver } from './virtio-driver.ts';

type Made = Parameters<Emit>[0];
const BUFFERS = RAM_BASE + 0x20000;
const NONE = new Uint8Array(0);

function world() {
  const ram = new GuestMemory();
  const made: Made[] = [];
  let ordinal = 0;
  const emit: Emit = (output) => {
    made.push(output);
    return output.kind === 'diskRead' ? 0 : ++ordinal;
  };
  const irq = { high: false };
  const line = (high: boolean) => {
    irq.high = high;
  };
  return { ram, made, emit, irq, line };
}

function blockWorld(disk = { sectors: 1024, readOnly: false, id: 'serial-no-1' }) {
  const all = world();
  const block = new VirtioBlock(all.ram, all.line, all.emit, disk);
  const driver = new VirtioDriver(block.mmio, all.ram, 16).start(1);
  /** Header at 64 * head, data at 4096 * head + 512, status behind the header. */
  const header = (head: number, type: number, sector: number) => {
    const at = BUFFERS + 64 * head;
    all.ram.setU32(at, type);
    all.ram.setU32(at + 8, sector);
    all.ram.setU32(at + 12, 0);
    all.ram.bytes[at + 32 - RAM_BASE] = 0xee;
    return { address: at, length: 16 };
  };
  const status = (head: number) => ({ address: BUFFERS + 64 * head + 32, length: 1, write: true });
  const data = (head: number) => BUFFERS + 0x2000 + head * 4096;
  const request = (head: number, type: number, sector: number, bytes: number, notify = true) => {
    const buffer = { address: data(head), length: bytes, write: type !== 1 };
    driver.offer(0, head, [header(head, type, sector), ...(bytes > 0 ? [buffer] : []), status(head)]);
    if (notify) driver.notify(0);
  };
  const statusOf = (head: number) => all.ram.bytes[BUFFERS + 64 * head + 32 - RAM_BASE];
  const memory = (address: number, length: number) => all.ram.bytes.slice(address - RAM_BASE, address - RAM_BASE + length);
  return { ...all, block, driver, request, statusOf, data, memory, header, status };
}
const [IN, OUT, FLUSH, GET_ID] = [0, 1, 4, 8];

describe('the transport', () => {
  it('shows an empty slot as device 0', () => {
    const { ram, line } = world();
    const driver = new VirtioDriver(new VirtioMmio('slot0', undefined, ram, line), ram);
    expect([driver.get(R.magic), driver.get(R.version), driver.get(R.deviceId)]).toEqual([0x74726976, 2, 0]);
    for (let offset = 0x10; offset < 0x140; offset += 4) {
      driver.set(offset, 0xffffffff);
      expect(driver.get(offset)).toBe(0);
    }
  });

  it('offers VERSION_1 and refuses FEATURES_OK without it, or with features that it did not offer', () => {
    const { driver } = blockWorld();
    driver.set(R.deviceFeaturesSel, 1);
    expect(driver.get(R.deviceFeatures)).toBe(1);
    driver.set(R.deviceFeaturesSel, 2);
    expect(driver.get(R.deviceFeatures)).toBe(0);
    for (const [low, high] of [
      [0, 0],
      [0, 3],
      [1 << 28, 1],
    ]) {
      driver.set(R.status, 0);
      driver.set(R.status, 3);
      driver.set(R.driverFeaturesSel, 0);
      driver.set(R.driverFeatures, low);
      driver.set(R.driverFeaturesSel, 1);
      driver.set(R.driverFeatures, high);
      driver.set(R.status, 11);
      expect(driver.get(R.status)).toBe(3);
      driver.set(R.status, 15);
      expect(driver.get(R.status)).toBe(3);
    }
  });

  it('forgets everything at status 0', () => {
    const { driver, request, irq, block } = blockWorld();
    const fresh = blockWorld();
    fresh.driver.set(R.status, 0);
    request(0, GET_ID, 0, 20);
    expect(irq.high).toBe(true);
    driver.set(R.status, 0);
    expect(irq.high).toBe(false);
    expect(block.mmio.save()).toEqual(fresh.block.mmio.save());
  });

  it('ignores a notification before DRIVER_OK, and of a queue that is not there', () => {
    const { driver, made, irq, header, status } = blockWorld();
    driver.set(R.status, 11);
    driver.offer(0, 0, [header(0, FLUSH, 0), status(0)]);
    driver.notify(0);
    expect([made.length, irq.high]).toEqual([0, false]);
    driver.set(R.status, 15);
    driver.notify(1);
    driver.notify(0xffffffff);
    expect(made.length).toBe(0);
    driver.notify(0);
    expect(made.length).toBe(1);
  });

  it('reads configuration in any width, and zeros beyond it and in unknown registers', () => {
    const { block } = blockWorld({ sectors: 0x12_3456_789a, readOnly: false, id: '' });
    const { mmio } = block;
    expect([mmio.load(0x100, 4), mmio.load(0x104, 4), mmio.load(0x101, 1), mmio.load(0x102, 2)]).toEqual([0x3456789a, 0x12, 0x78, 0x3456]);
    expect([mmio.load(0x1f0, 4), mmio.load(0x0c0, 4), mmio.load(R.configGeneration, 4), mmio.load(R.shmLenLow, 4)]).toEqual([
      0, 0, 0, 0xffffffff,
    ]);
    expect([mmio.load(0, 1), mmio.load(R.status, 2)]).toEqual([0, 0]);
  });

  it('drops its line when the driver acknowledges, and does not raise it when the driver asked for no interrupt', () => {
    const { driver, request, irq, ram } = blockWorld();
    request(0, GET_ID, 0, 20);
    expect([irq.high, driver.get(R.interruptStatus)]).toEqual([true, 1]);
    driver.set(R.interruptAck, 1);
    expect([irq.high, driver.get(R.interruptStatus)]).toEqual([false, 0]);
    ram.setU16(driver.ring(0).driver, 1);
    request(4, GET_ID, 0, 20);
    expect([irq.high, driver.used(0).length]).toEqual([false, 2]);
  });

  it('keeps a queue as it is while it is ready, and starts it anew after it was not', () => {
    const { driver, request } = blockWorld();
    request(0, GET_ID, 0, 20);
    driver.set(R.queueNum, 4);
    driver.set(R.descLow, 0);
    request(3, GET_ID, 0, 20);
    expect(driver.used(0).map(({ head }) => head)).toEqual([0, 3]);
    driver.set(R.queueReady, 0);
    expect(driver.get(R.queueReady)).toBe(0);
    driver.setUp(0);
    request(6, GET_ID, 0, 20);
    expect(driver.used(0)).toEqual([{ head: 6, written: 21 }]);
  });
});

describe('the disk', () => {
  it('reads into RAM only when the completion is delivered', () => {
    const { request, made, block, driver, data, memory, statusOf, irq } = blockWorld();
    request(0, IN, 7, 1024);
    expect(made).toEqual([{ kind: 'diskRead', request: 1, sector: 7, sectors: 2 }]);
    expect([driver.used(0).length, irq.high, statusOf(0)]).toEqual([0, false, 0xee]);
    const bytes = Uint8Array.from({ length: 1024 }, (_, i) => i % 251);
    block.deliver(1, 0, bytes);
    expect(memory(data(0), 1024)).toEqual(bytes);
    expect([driver.used(0), irq.high, statusOf(0)]).toEqual([[{ head: 0, written: 1025 }], true, 0]);
    expect(block.pending()).toEqual([]);
  });

  it('copies a write out at the notification: what the guest stores later is not written', () => {
    const { request, made, block, data, ram, statusOf } = blockWorld();
    ram.bytes.fill(0x11, data(0) - RAM_BASE, data(0) - RAM_BASE + 512);
    request(0, OUT, 3, 512);
    ram.bytes.fill(0x22, data(0) - RAM_BASE, data(0) - RAM_BASE + 512);
    const want = { kind: 'diskWrite', request: 1, sector: 3, data: new Uint8Array(512).fill(0x11) };
    expect(made).toEqual([want]);
    expect(block.pending()).toEqual([{ ...want, ordinal: 1 }]);
    block.deliver(1, 1, NONE);
    expect(statusOf(0)).toBe(1);
  });

  it('takes header, data and status however they are cut into buffers', () => {
    const { driver, made, block, ram } = blockWorld();
    const at = BUFFERS;
    ram.setU32(at, OUT);
    ram.setU32(at + 8, 5);
    ram.bytes.fill(0x77, at + 16 - RAM_BASE, at + 16 + 512 - RAM_BASE);
    driver.offer(0, 0, [
      { address: at, length: 3 },
      { address: at + 3, length: 0 },
      { address: at + 3, length: 20 },
      { address: at + 23, length: 505 },
      { address: at + 0x1000, length: 1, write: true },
    ]);
    driver.notify(0);
    expect(made).toEqual([{ kind: 'diskWrite', request: 1, sector: 5, data: new Uint8Array(512).fill(0x77) }]);
    block.deliver(1, 0, NONE);
    ram.setU32(at, IN);
    driver.offer(0, 0, [
      { address: at, length: 16 },
      { address: at + 0x100, length: 500, write: true },
      { address: at + 0x800, length: 13, write: true },
    ]);
    driver.notify(0);
    block.deliver(2, 0, new Uint8Array(512).fill(0x55));
    const seen = [0x100, 0x100 + 499, 0x100 + 500, 0x800, 0x800 + 11, 0x800 + 12].map((offset) => ram.bytes[at + offset - RAM_BASE]);
    expect(seen).toEqual([0x55, 0x55, 0, 0x55, 0x55, 0]);
  });

  it('answers GET_ID, unknown types and impossible requests at once, without asking anybody', () => {
    const { request, made, driver, data, memory, statusOf } = blockWorld();
    request(0, GET_ID, 0, 20);
    expect(fromUtf8(memory(data(0), 20))).toBe(`serial-no-1${'\0'.repeat(9)}`);
    request(3, 77, 0, 512);
    request(6, IN, 1024, 512);
    request(9, OUT, 1023, 1024);
    request(12, IN, 0, 100);
    expect([0, 3, 6, 9, 12].map(statusOf)).toEqual([0, 2, 1, 1, 1]);
    expect(driver.used(0).map(({ written }) => written)).toEqual([21, 1, 1, 1, 1]);
    expect(made).toEqual([]);
  });

  it('refuses a sector that would wrap, and a request above the limit', () => {
    const { driver, ram, header, status, statusOf, made } = blockWorld({ sectors: 1 << 20, readOnly: false, id: '' });
    const high = header(0, IN, 0xffffffff);
    ram.setU32(high.address + 12, 0xffffffff);
    driver.offer(0, 0, [high, { address: BUFFERS + 0x2000, length: 512, write: true }, status(0)]);
    const part = { address: RAM_BASE, length: 0x40000, write: false };
    const parts = DISK_REQUEST_BYTES_MAX / 0x40000;
    driver.offer(0, 3, [header(3, OUT, 0), ...Array.from({ length: parts }, () => part), { address: RAM_BASE, length: 512 }, status(3)]);
    driver.notify(0);
    expect([made.length, statusOf(0), statusOf(3)]).toEqual([0, 1, 1]);
    driver.offer(0, 3, [header(3, OUT, 0), ...Array.from({ length: parts }, () => part), status(3)]);
    driver.notify(0);
    expect(made.map((output) => 'data' in output && output.data.length)).toEqual([DISK_REQUEST_BYTES_MAX]);
  });

  it('says that it is read-only, and means it', () => {
    const { driver, request, statusOf, made } = blockWorld({ sectors: 8, readOnly: true, id: '' });
    driver.set(R.deviceFeaturesSel, 0);
    expect(driver.get(R.deviceFeatures)).toBe((1 << 5) | (1 << 9));
    request(0, OUT, 0, 512);
    expect([statusOf(0), made.length]).toEqual([1, 0]);
  });

  it('holds a request back that overlaps a pending one until that one has been delivered', () => {
    const { request, made, block } = blockWorld();
    request(0, OUT, 10, 1024);
    request(3, IN, 11, 512);
    request(6, OUT, 11, 1024);
    request(9, OUT, 12, 512);
    request(12, IN, 20, 512);
    const seen = () => made.map((output) => 'request' in output && output.request);
    expect(seen()).toEqual([1, 5]);
    expect(block.pending().map(({ request: id }) => id)).toEqual([1, 5]);
    expect(block.refuses(2, 0, new Uint8Array(512))).toMatch(/held back/);
    block.deliver(1, 0, NONE);
    expect(seen()).toEqual([1, 5, 2]);
    block.deliver(2, 0, new Uint8Array(512));
    expect(seen()).toEqual([1, 5, 2, 3]);
    block.deliver(3, 0, NONE);
    expect(seen()).toEqual([1, 5, 2, 3, 4]);
  });

  it('does not let a write overtake an older held one that it overlaps', () => {
    const { request, made, block } = blockWorld();
    request(0, OUT, 0, 512);
    request(3, OUT, 0, 1024);
    request(6, IN, 1, 512);
    expect(made.length).toBe(1);
    block.deliver(1, 0, NONE);
    expect(made.map((output) => output.kind)).toEqual(['diskWrite', 'diskWrite']);
    block.deliver(2, 0, NONE);
    expect(made.map((output) => output.kind)).toEqual(['diskWrite', 'diskWrite', 'diskRead']);
  });

  it('completes in any order', () => {
    const { request, block, driver } = blockWorld();
    request(0, IN, 0, 512);
    request(3, FLUSH, 0, 0);
    request(6, IN, 8, 512);
    block.deliver(3, 0, new Uint8Array(512));
    block.deliver(2, 0, NONE);
    block.deliver(1, 1, NONE);
    expect(driver.used(0)).toEqual([
      { head: 6, written: 513 },
      { head: 3, written: 1 },
      { head: 0, written: 1 },
    ]);
  });

  it('swallows the late completion of a queue that was reset, and keeps overlapping new requests behind it', () => {
    const { request, block, driver, made, ram, irq } = blockWorld();
    request(0, OUT, 5, 512);
    request(3, IN, 5, 512);
    driver.set(R.status, 0);
    driver.start(1);
    expect(block.pending().map(({ request: id }) => id)).toEqual([1]);
    request(0, OUT, 5, 512);
    expect(made.length).toBe(1);
    const before = ram.bytes.slice();
    block.deliver(1, 0, NONE);
    expect(Buffer.from(ram.bytes).equals(before)).toBe(true);
    expect([irq.high, driver.used(0).length]).toEqual([false, 0]);
    expect(block.pending().map(({ request: id }) => id)).toEqual([3]);
    block.deliver(1, 0, NONE);
    block.deliver(2, 0, new Uint8Array(512));
    block.deliver(3, 0, NONE);
    expect(driver.used(0).length).toBe(1);
  });

  it('refuses a completion that was never asked for, or has the wrong length', () => {
    const { request, block } = blockWorld();
    expect(block.refuses(1, 0, NONE)).toMatch(/never issued/);
    request(0, IN, 0, 512);
    expect(block.refuses(1, 0, new Uint8Array(511))).toMatch(/want 512/);
    expect(block.refuses(1, 1, new Uint8Array(512))).toMatch(/want 0/);
    expect(block.refuses(1, 1, NONE)).toBeUndefined();
    expect(() => block.deliver(2, 0, NONE)).toThrow(RangeError);
  });

  it('leaves requests in the ring beyond what may be pending, and takes them when there is room', () => {
    const { driver, ram, header, status, made, block } = blockWorld({ sectors: 1 << 20, readOnly: false, id: '' });
    const parts = Array.from({ length: DISK_REQUEST_BYTES_MAX / 0x40000 }, () => ({ address: RAM_BASE, length: 0x40000 }));
    const fits = Math.ceil(DISK_PENDING_BYTES_MAX / DISK_REQUEST_BYTES_MAX);
    for (let n = 0; n < fits + 3; n++) {
      driver.start(1);
      driver.offer(0, 0, [header(0, OUT, n * 4096), ...parts, status(0)]);
      driver.notify(0);
    }
    expect(made.length).toBe(fits);
    block.deliver(1, 0, NONE);
    expect(made.length).toBe(fits + 1);
    expect(ram.strayed).toBe(0);
  });

  it('goes on from a saved state as the original does', () => {
    const a = blockWorld();
    a.request(0, OUT, 0, 512);
    a.request(3, IN, 0, 512);
    a.request(6, FLUSH, 0, 0);
    a.driver.set(R.status, 0);
    a.driver.start(1);
    a.request(9, IN, 9, 512);
    const b = blockWorld();
    b.ram.bytes.set(a.ram.bytes);
    b.block.mmio.restore(a.block.mmio.save());
    expect(b.block.mmio.save()).toEqual(a.block.mmio.save());
    expect(b.block.pending()).toEqual(a.block.pending());
    for (const { block } of [a, b]) {
      block.deliver(4, 0, new Uint8Array(512).fill(9));
      block.deliver(1, 0, NONE);
    }
    expect(Buffer.from(b.ram.bytes).equals(a.ram.bytes)).toBe(true);
    expect(b.block.mmio.save()).toEqual(a.block.mmio.save());
  });

  it('refuses the state of another configuration', () => {
    const a = blockWorld();
    const { ram, line, emit } = world();
    expect(() => new VirtioConsole(ram, line, emit).mmio.restore(a.block.mmio.save())).toThrow(SnapshotError);
    const small = new GuestMemory(0x1000);
    expect(() => new VirtioBlock(small, line, emit, { sectors: 1, readOnly: false, id: '' }).mmio.restore(a.block.mmio.save())).toThrow(
      /outside RAM/,
    );
  });
});

describe('the network', () => {
  const MAC = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);
  const make = () => {
    const all = world();
    const net = new VirtioNet(all.ram, all.line, all.emit, { mac: MAC });
    const takes = (length: number): boolean => net.refuses(length) === undefined;
    return { ...all, net, takes, driver: new VirtioDriver(net.mmio, all.ram).start(2) };
  };

  it('offers its MAC and nothing else', () => {
    const { driver, net } = make();
    driver.set(R.deviceFeaturesSel, 0);
    expect(driver.get(R.deviceFeatures)).toBe(1 << 5);
    expect(Array.from({ length: 6 }, (_, i) => net.mmio.load(R.config + i, 1))).toEqual([...MAC]);
  });

  it('takes a frame when a buffer is there that holds it, behind a header that counts one buffer', () => {
    const { net, takes, driver, ram, irq } = make();
    const frame = Uint8Array.from({ length: 60 }, (_, i) => i);
    expect(takes(60)).toBe(false);
    expect(() => net.deliver(frame)).toThrow(RangeError);
    driver.offer(0, 0, [
      { address: BUFFERS, length: 12, write: true },
      { address: BUFFERS + 0x100, length: 60, write: true },
    ]);
    expect([takes(60), takes(61), takes(13), takes(FRAME_BYTES_MAX + 1)]).toEqual([true, false, false, false]);
    net.deliver(frame);
    expect([...ram.bytes.slice(BUFFERS - RAM_BASE, BUFFERS - RAM_BASE + 12)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(ram.bytes.slice(BUFFERS + 0x100 - RAM_BASE, BUFFERS + 0x100 - RAM_BASE + 60)).toEqual(frame);
    expect([driver.used(0), irq.high, takes(60)]).toEqual([[{ head: 0, written: 72 }], true, false]);
  });

  it('sends a frame without its header at the notification, and drops what no network carries', () => {
    const { driver, made, ram } = make();
    ram.bytes.fill(0xab, BUFFERS + 12 - RAM_BASE, BUFFERS + 12 + 2000 - RAM_BASE);
    driver.offer(1, 0, [{ address: BUFFERS, length: 12 + 64 }]);
    driver.offer(1, 1, [{ address: BUFFERS, length: 12 + FRAME_BYTES_MAX + 1 }]);
    driver.offer(1, 2, [{ address: BUFFERS, length: 5 }]);
    driver.offer(
      1,
      3,
      [
        { address: BUFFERS, length: 20 },
        { address: BUFFERS + 20, length: 12 + FRAME_BYTES_MAX - 20 },
      ].map((part, k) => ({ ...part, address: part.address + k * 0 })),
    );
    driver.notify(1);
    expect(made.map((output) => 'bytes' in output && output.bytes.length)).toEqual([64, FRAME_BYTES_MAX]);
    expect(driver.used(1).map(({ head, written }) => [head, written])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
  });

  it('says no to a frame, and changes nothing, when the receive ring is bad', () => {
    const { net, takes, driver, ram } = make();
    ram.setU16(driver.ring(0).driver + 2, 500);
    const before = net.mmio.save();
    expect(takes(60)).toBe(false);
    expect(net.mmio.save()).toEqual(before);
  });
});

describe('the console', () => {
  const make = () => {
    const all = world();
    const port = new VirtioConsole(all.ram, all.line, all.emit);
    return { ...all, port, driver: new VirtioDriver(port.mmio, all.ram) };
  };

  it('keeps input until the guest gives buffers, and fills them in order', () => {
    const { port, driver, ram } = make();
    port.deliver(Uint8Array.from('hello', (c) => c.charCodeAt(0)));
    driver.start(2);
    driver.offer(0, 0, [{ address: BUFFERS, length: 3, write: true }]);
    driver.offer(0, 1, [{ address: BUFFERS + 16, length: 8, write: true }]);
    driver.offer(0, 2, [{ address: BUFFERS + 32, length: 8, write: true }]);
    driver.notify(0);
    expect(driver.used(0)).toEqual([
      { head: 0, written: 3 },
      { head: 1, written: 2 },
    ]);
    expect(fromUtf8(ram.bytes.slice(BUFFERS - RAM_BASE, BUFFERS - RAM_BASE + 3))).toBe('hel');
    port.deliver(Uint8Array.of(0x21));
    expect(driver.used(0)).toEqual([{ head: 2, written: 1 }]);
    expect(port.room()).toBe(CONSOLE_QUEUE_BYTES);
  });

  it('bounds what waits', () => {
    const { port } = make();
    port.deliver(new Uint8Array(CONSOLE_QUEUE_BYTES));
    expect(port.room()).toBe(0);
    expect(() => port.deliver(Uint8Array.of(1))).toThrow(RangeError);
  });

  it('prints at the notification', () => {
    const { driver, ram, made } = make();
    driver.start(2);
    ram.bytes.set([0x6f, 0x6b], BUFFERS - RAM_BASE);
    driver.offer(1, 0, [{ address: BUFFERS, length: 2 }]);
    driver.notify(1);
    expect(made).toEqual([{ kind: 'console', bytes: Uint8Array.of(0x6f, 0x6b) }]);
    expect(driver.used(1)).toEqual([{ head: 0, written: 0 }]);
  });

  it('needs a reset after a buffer above the limit', () => {
    const { driver, made } = make();
    driver.start(2);
    driver.offer(1, 0, [{ address: RAM_BASE, length: 0x40000 }]);
    driver.notify(1);
    expect([driver.get(R.status) & NEEDS_RESET, driver.get(R.interruptStatus), made.length]).toEqual([NEEDS_RESET, 2, 0]);
  });
});

describe('entropy', () => {
  const make = (seed: number) => {
    const all = world();
    const entropy = new VirtioEntropy(all.ram, all.line, new Uint8Array(32).fill(seed));
    return { ...all, entropy, driver: new VirtioDriver(entropy.mmio, all.ram).start(1) };
  };
  const draw = ({ driver, ram }: ReturnType<typeof make>, length: number) => {
    driver.offer(0, 0, [{ address: BUFFERS, length, write: true }]);
    driver.notify(0);
    const [{ written }] = driver.used(0).slice(-1);
    return [...ram.bytes.slice(BUFFERS - RAM_BASE, BUFFERS - RAM_BASE + written)];
  };

  it('gives the same bytes for the same seed however they are asked for, and others for another', () => {
    const [a, b, c] = [make(1), make(1), make(2)];
    const whole = draw(a, 200);
    expect([...draw(b, 1), ...draw(b, 63), ...draw(b, 65), ...draw(b, 71)]).toEqual(whole);
    expect(draw(c, 200)).not.toEqual(whole);
    expect(new Set(whole).size).toBeGreaterThan(80);
  });

  it('goes on after a restore, and never serves more than the limit', () => {
    const [a, b] = [make(3), make(3)];
    expect(draw(a, ENTROPY_BUFFER_BYTES_MAX + 100).length).toBe(ENTROPY_BUFFER_BYTES_MAX);
    b.entropy.mmio.restore(a.entropy.mmio.save());
    b.ram.bytes.set(a.ram.bytes);
    expect(b.entropy.mmio.save()).toEqual(a.entropy.mmio.save());
  });

  it('uses ChaCha20 as RFC 8439 §2.3.2 has it', () => {
    const state = Uint32Array.of(
      0x61707865,
      0x3320646e,
      0x79622d32,
      0x6b206574,
      0x03020100,
      0x07060504,
      0x0b0a0908,
      0x0f0e0d0c,
      0x13121110,
      0x17161514,
      0x1b1a1918,
      0x1f1e1d1c,
      1,
      0x09000000,
      0x4a000000,
      0,
    );
    const block = new Uint8Array(64);
    chachaBlock(state, block);
    expect([...block.slice(0, 8), ...block.slice(60)]).toEqual([0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0xa2, 0x50, 0x3c, 0x4e]);
  });
});
