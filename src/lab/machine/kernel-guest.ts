/**
 * What runs inside the virtual machine before netgen does. Its root is that of this machine, which it can read and not
 * change: what is written goes to an overlay in its memory, and is gone with it.
 */

/** What has to be loaded before the machine's disk can be seen; `modprobe` adds what they need. */
export const EARLY_MODULES: readonly string[] = Object.freeze(["virtio_pci", "9pnet_virtio", "9p", "overlay"]);

/** What a lab needs of a kernel; most would be loaded when asked for, but not br_netfilter, whose sysctls are looked for. */
const LAB_MODULES = [
  ..."virtio_console wireguard vrf vxlan bridge 8021q br_netfilter veth dummy tun".split(" "),
  ..."nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_compat xt_TCPMSS".split(" "),
];

/** Names of 9p shares. */
export const SHARES = Object.freeze({ root: "root", modules: "modules" });
/** Names of ports by which lines come out, and words and a status go in and out. */
export const PORTS = Object.freeze({ output: "output", errors: "errors", control: "control" });

const SHARE_OPTIONS = "ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose,noxattr";

/** Process 1 of the initramfs, for busybox: puts the root together and goes there. */
export const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /lower /upper /root
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
export PATH=/bin
while read -r module; do insmod "/modules/$module"; done < /modules/order
mount -t 9p -o ${SHARE_OPTIONS} ${SHARES.root} /lower
mount -t tmpfs -o mode=0755 tmpfs /upper
mkdir /upper/data /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay /root
mkdir -p /root/dev /root/proc /root/sys /root/run /root/tmp /root/lib/modules
mount -t devtmpfs devtmpfs /root/dev
mount -t proc proc /root/proc
mount -t sysfs sysfs /root/sys
mount -t tmpfs -o mode=0755 tmpfs /root/run
mount -t 9p -o ${SHARE_OPTIONS} ${SHARES.modules} /root/lib/modules
cp /start /root/run/start
umount /proc
exec switch_root /root /bin/bash /run/start
`;

/**
 * Process 1 of the root, for bash. It is told by the control port, each followed by a NUL: the working directory, the
 * number of words of the command, the words, the length of the standard input; then the standard input, the length of
 * an archive of /etc and a NUL, and the archive.
 */
export const START = `
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mkdir -p /dev/pts /dev/shm /dev/net
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
# The links that udev makes: scripts read what a process prints as a file.
ln -sfn /proc/self/fd /dev/fd
for link in 0:stdin 1:stdout 2:stderr; do ln -sfn "/proc/self/fd/\${link%:*}" "/dev/\${link#*:}"; done
echo netgen > /proc/sys/kernel/hostname
ip link set lo up
modprobe -qa ${LAB_MODULES.join(" ")}

port() {
  local directory
  for directory in /sys/class/virtio-ports/*; do
    if [[ $(< "$directory/name") = "$1" ]]; then echo "/dev/\${directory##*/}"; fi
  done
}
output=$(port ${PORTS.output})
errors=$(port ${PORTS.errors})
exec 9<> "$(port ${PORTS.control})"
# Whoever started this machine takes it for hung when nothing is heard from it.
while echo >&9; do sleep 5; done &
read_word() { IFS= read -r -d "" "$1" <&9; }

read_word directory
read_word count
words=()
for ((index = 0; index < count; index++)); do
  read_word word
  words+=("$word")
done
read_word bytes
head -c "$bytes" <&9 > /run/input
# Every host of a lab has its own copy of it, and a share takes milliseconds for a file.
mkdir /run/machine
read_word bytes
head -c "$bytes" <&9 | tar -xpC /run/machine
mount --bind /run/machine/etc /etc

run() { cd "$directory" && "\${words[@]}" < /run/input 9>&-; }
# Not straight into the ports: they take less at a time than a program may want to write.
{ { run 2>&3 3>&-; echo "$?" > /run/status; } | cat > "$output"; } 3>&1 | cat > "$errors"
cat /run/status >&9
# Whoever started this machine ends it now.
sleep 60
echo o > /proc/sysrq-trigger
sleep 60
`;
