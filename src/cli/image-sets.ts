/** Names that stand for more than one file, of an image that is built here: kernel, root file system and command line (cli.md, "Linux"). */
import { CliError } from './errors.ts';
import { findLinux, type LinuxImage } from './image-cache.ts';
import { findImage, type ImageFile, isFile } from './images.ts';

export interface ImageSet {
  readonly main: ImageFile;
  readonly initrd: ImageFile | undefined;
  /** A template: the guest writes to an overlay, or the user brings a copy. */
  readonly disk: string | undefined;
  /** What the kernel must be told; the user's own words follow. */
  readonly append: string;
}

const SETS: Readonly<Record<string, (image: LinuxImage) => ImageSet>> = {
  linux: ({ kernel, disk }) => ({
    main: findImage('image', kernel),
    initrd: undefined,
    disk,
    append: 'console=ttyS0 root=/dev/vda rw',
  }),
  'linux-initramfs': ({ kernel, initramfs }) => ({
    main: findImage('image', kernel),
    initrd: findImage('initrd', initramfs),
    disk: undefined,
    append: 'console=ttyS0',
  }),
};

/** Undefined for any other name; a file of that name here goes first. Throws `CliError` when the image is not built. */
export function findSet(name: string): ImageSet | undefined {
  if (!Object.hasOwn(SETS, name) || isFile(name)) return undefined;
  const image = findLinux();
  if (image === undefined) throw new CliError('IMAGE_NOT_BUILT', `image ${name}: the Linux guest is not built here`);
  return SETS[name](image);
}
