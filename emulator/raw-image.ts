/**
 * Images that are no ELF: a Linux `Image` (Documentation/riscv/boot-image-header.rst), a U-Boot image (include/image.h, `mkimage`), or bytes
 * that say nothing about themselves. What is plainly for another machine, or packed, is refused here: it would end in silence.
 */

export interface RawImage {
  /** Where it wants to lie and to be entered; undefined: wherever it is put, at its first byte. */
  readonly address?: number;
  readonly entry?: number;
  readonly bytes: Uint8Array;
  /** In memory, at least bytes.length. */
  readonly size: number;
}

/** Why not, and what to do. */
export interface RefusedImage {
  readonly refused: string;
}

const PACKED: readonly (readonly [magic: readonly number[], by: string, cure: string])[] = [
  [[0x1f, 0x8b], 'gzip', 'gunzip'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz', 'unxz'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd', 'unzstd'],
  [[0x42, 0x5a, 0x68], 'bzip2', 'bunzip2'],
  [[0x5d, 0x00, 0x00], 'lzma', 'unlzma'],
  [[0x89, 0x4c, 0x5a, 0x4f], 'lzop', 'lzop -d'],
  [[0x02, 0x21, 0x4c, 0x18], 'lz4', 'unlz4'],
];

const LINUX_HEADER_BYTES = 64;
const LINUX_TEXT_OFFSET = 8;
const LINUX_IMAGE_SIZE = 16;
const LINUX_FLAGS = 24;
const LINUX_MAGIC2 = 56;
/** "RSC\x05", little-endian; Arm's kernels have theirs in the same place. */
const LINUX_MAGIC2_VALUE = 0x05435352;
const ARM64_MAGIC = 0x644d5241;
/** Where an RV64 kernel wants to lie from the beginning of RAM; RV32's, which maps itself with pages of 4 MiB, says 0x400000. */
const RV64_TEXT_OFFSET = 0x200000;

const UBOOT_MAGIC = 0x27051956;
const UBOOT_HEADER_BYTES = 64;
const UBOOT_SIZE = 12;
const UBOOT_LOAD = 16;
const UBOOT_ENTRY = 20;
const UBOOT_ARCHITECTURE = 29;
const UBOOT_TYPE = 30;
const UBOOT_COMPRESSION = 31;
const UBOOT_RISCV = 26;
const UBOOT_KERNEL = 2;

export function rawImage(file: Uint8Array): RawImage | RefusedImage {
  const packed = PACKED.find(([magic]) => magic.every((byte, k) => file[k] === byte));
  if (packed !== undefined) return { refused: `compressed with ${packed[1]}. Unpack it first (${packed[2]}).` };
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  return file.length >= UBOOT_HEADER_BYTES && view.getUint32(0) === UBOOT_MAGIC ? ubootImage(file, view) : kernelImage(file);
}

function kernelImage(file: Uint8Array): RawImage | RefusedImage {
  if (file.length < LINUX_HEADER_BYTES) return { bytes: file, size: file.length };
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const magic = view.getUint32(LINUX_MAGIC2, true);
  if (magic === LINUX_MAGIC2_VALUE) return linuxImage(file, view);
  if (magic === ARM64_MAGIC) return { refused: 'a Linux kernel for AArch64, and this machine is RV32. Build it with ARCH=riscv.' };
  return { bytes: file, size: file.length };
}

/** Its header says how much memory it takes, .bss included, and for which machine it is. */
function linuxImage(file: Uint8Array, view: DataView): RawImage | RefusedImage {
  const rv32 = 'Build it for RV32 (make ARCH=riscv rv32_defconfig).';
  const [offset, size] = [LINUX_TEXT_OFFSET, LINUX_IMAGE_SIZE].map((at) => view.getBigUint64(at, true));
  if (offset === BigInt(RV64_TEXT_OFFSET)) return { refused: `a Linux kernel for RV64, and this machine is RV32. ${rv32}` };
  if ((view.getUint32(LINUX_FLAGS, true) & 1) !== 0)
    return { refused: `a big-endian Linux kernel, and this machine is little-endian. ${rv32}` };
  if (size >= 2n ** 32n) return { refused: `damaged: its Linux header asks for ${size} bytes of memory. ${rv32}` };
  return { bytes: file, size: Math.max(file.length, Number(size)) };
}

function ubootImage(file: Uint8Array, view: DataView): RawImage | RefusedImage {
  const remake = 'Make it again with mkimage -A riscv -T kernel -C none.';
  if (file[UBOOT_ARCHITECTURE] !== UBOOT_RISCV || file[UBOOT_TYPE] !== UBOOT_KERNEL)
    return { refused: `a U-Boot image, but of no RISC-V kernel. ${remake}` };
  if (file[UBOOT_COMPRESSION] !== 0) return { refused: `a compressed U-Boot image. ${remake}` };
  const length = view.getUint32(UBOOT_SIZE);
  if (UBOOT_HEADER_BYTES + length > file.length)
    return { refused: `a U-Boot image that is cut off: want ${UBOOT_HEADER_BYTES + length} bytes, got ${file.length}. Copy it again.` };
  const payload = kernelImage(file.subarray(UBOOT_HEADER_BYTES, UBOOT_HEADER_BYTES + length));
  if ('refused' in payload) return payload;
  return { ...payload, address: view.getUint32(UBOOT_LOAD), entry: view.getUint32(UBOOT_ENTRY) };
}
