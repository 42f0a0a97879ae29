# list.sh ROOT: what is below ROOT, in the form that the kernel's gen_init_cpio takes: all of it root's, with our modes rather than those that a checkout
# happened to have, and in the order of the paths rather than that of the folder.
root=$(cd "$1" && pwd)
cd "$root"
find . -mindepth 1 -printf '%y %#m /%P %l\n' | LC_ALL=C sort -k3,3 | while read -r type mode path target; do
  case $type$path in
    d/root) echo "dir $path 0700 0 0" ;;
    d/tmp) echo "dir $path 1777 0 0" ;;
    d*) echo "dir $path 0755 0 0" ;;
    l*) echo "slink $path $target 0777 0 0" ;;
    f*) echo "file $path $root$path 0$((mode & 0100 ? 755 : 644)) 0 0" ;;
    *)
      echo "$path is neither a folder, nor a link, nor a file" >&2
      exit 1
      ;;
  esac
done
