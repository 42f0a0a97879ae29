# Read by every phase. WORK is the folder of this build, OUT that of its results, RECIPE this one, JOBS how many processes make may start.
# The rest of the environment is empty but for PATH and HOME: nothing of the user's settings may end up in the image.

# Whatever writes a time writes this one, and no name of this machine or its user.
export SOURCE_DATE_EPOCH=1577836800 KCONFIG_NOTIMESTAMP=1
export KBUILD_BUILD_TIMESTAMP='2020-01-01' KBUILD_BUILD_VERSION=1 KBUILD_BUILD_USER=twinhart KBUILD_BUILD_HOST=twinhart

SOURCES=$WORK/sources
LINUX=$SOURCES/linux
SYSROOT=$WORK/sysroot
ROOT=$WORK/root

# Debian's compiler is one for 64 bits that can do 32; `riscv32-linux-musl-gcc` (made by phases/musl.sh) is it with our libc and without shared libraries.
CROSS=riscv64-linux-gnu-
ARCH_FLAGS='-march=rv32imac_zicsr_zifencei -mabi=ilp32'
HOST=riscv32-linux-musl
PATH=$SYSROOT/bin:$PATH

make() { command make -j"$JOBS" "$@"; }

# Every line of a configuration fragment is in the configuration that came of it; kconfig drops without a word what it cannot satisfy.
holds() {
  local - lost
  set +x
  lost=$(grep -E '^(CONFIG_|# CONFIG_)' "$2" | sed -E 's/^(CONFIG_[A-Z0-9_]+)=n$/# \1 is not set/' | while read -r line; do
    case $line in
      '# '*' is not set') ! grep -qE "^${line:2:-11}=" "$1" || echo "$line" ;;
      *) grep -qxF -- "$line" "$1" || echo "$line" ;;
    esac
  done)
  [ -z "$lost" ] || { printf 'these lines of %s did not make it into %s:\n%s\n' "$2" "$1" "$lost" >&2; return 1; }
}
