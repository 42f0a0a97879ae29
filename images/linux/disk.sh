# disk.sh LIST IMAGE: an ext4 file system with what LIST names (list.sh). The same list and files give the same bytes, whatever their times and owners; and no
# root is needed. No journal: a guest that outlives its host has no crash to recover from.
list=$1 image=$2
time=1577836800
size=64M
features=^has_journal,^metadata_csum,^64bit,^huge_file,^orphan_file,^resize_inode,^dir_index

rm -f "$image"
E2FSPROGS_FAKE_TIME=$time mke2fs -q -t ext4 -O $features -b 1024 -I 256 -N 4096 -m 0 -L twinhart -U 00000000-0000-4000-8000-000000000032 \
  -E hash_seed=00000000-0000-4000-8000-000000000001,lazy_itable_init=0,root_owner=0:0 "$image" $size

{
  echo "set_current_time @$time"
  while read -r type path rest; do
    # shellcheck disable=SC2086 # the words of the line
    set -- $rest
    case $type in
      dir) printf 'mkdir %s\nset_inode_field %s mode 04%s\n' "$path" "$path" "$1" ;;
      slink) printf 'symlink %s %s\n' "$path" "$1" ;;
      file) printf 'write %s %s\nset_inode_field %s mode 010%s\n' "$1" "$path" "$path" "$2" ;;
    esac
  done < "$list"
} > "$image.commands"

# debugfs tells of a command that failed by a line, not by its exit status.
said=$(debugfs -w -f "$image.commands" "$image" 2>&1 | grep -vE '^(debugfs |debugfs: |Allocated inode: |Setting current time)' || true)
[ -z "$said" ] || { echo "debugfs, with $image.commands: $said" >&2; exit 1; }
rm "$image.commands"
e2fsck -fn "$image"
