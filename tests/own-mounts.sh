# shellcheck shell=bash
# For scripts that mount file systems of their own: sourced, it starts the script again in a mount
# namespace, as root.
if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { echo "only root can mount a file system"; exit 77; }
  exec unshare --mount --propagation unchanged "$0" inside
fi
mount --make-private /dev/shm # not /, which need not be a mount in a chroot
