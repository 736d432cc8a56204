/** Podman, Docker and CNI's plugins of Debian 13, where netgen's files are: what the tests of containers have in common. */

/** Where the tree is entered. */
export const ROOT = "/run/debian13";
/** There is one image, of busybox. */
export const IMAGE = "box";

/** Lines of shell: the tree, over which a host writes for itself, with netgen's files and devices that are there, and the image as a file. */
export const setUpEngines = (tree: string): string => `
mkdir -p /run/tree ${ROOT}
mount -t tmpfs tmpfs /run/tree
mkdir /run/tree/upper /run/tree/work /run/tree/image /run/tree/image/bin /run/tree/podman /run/tree/docker
mount -t overlay overlay -o lowerdir=${tree},upperdir=/run/tree/upper,workdir=/run/tree/work ${ROOT}
for each in proc sys dev run; do mount --rbind /$each ${ROOT}/$each; done
for each in containers netgen cni; do
  mkdir -p /etc/$each ${ROOT}/etc/$each
  cp -r /etc/$each/. ${ROOT}/etc/$each
done
[ "$(stat -fc %T ${ROOT}/sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 none ${ROOT}/sys/fs/cgroup
mkdir -p ${ROOT}/var/lib/containers ${ROOT}/var/lib/docker ${ROOT}/var/lib/cni
# Neither keeps its images on an overlay.
mount --bind /run/tree/podman ${ROOT}/var/lib/containers
mount --bind /run/tree/docker ${ROOT}/var/lib/docker
cp ${tree}/usr/bin/busybox /run/tree/image/bin/busybox
tar -C /run/tree/image -cf ${ROOT}/tmp/${IMAGE}.tar .
`;

/** Of a container. */
export const WAIT = ["/bin/busybox", "sleep", "9000"];

/** Where systemd is not asked for anything. */
export const PODMAN = ["podman", "--cgroup-manager=cgroupfs", "--events-backend=file"];

/** A network namespace with nothing in it; prints who holds it. */
export const NAMESPACE = `
unshare -n sleep 9000 < /dev/null > /dev/null 2>&1 &
until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
echo $!
`;
