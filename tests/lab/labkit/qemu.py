# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real VM boots: the distribution's kernel (packages.sh has fetched it) and an initramfs of
busybox and the kernel's drivers, made here."""

import glob
import os
import re
import stat

from labkit.process import run

KERNEL_DIR = os.environ.get("LAB_KERNEL", "")
MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
           "failover", "net_failover", "virtio_net")
# The kernel's own autoconfiguration reads `ip=`; the distribution's has none, so this does.
INIT = """#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for module in %(modules)s; do
        busybox insmod /modules/$module.ko
done
read -r line </proc/cmdline
for word in $line; do
        case $word in
        ip=*) ip=${word#ip=} ;;
        esac
done
address=${ip%%%%:*} rest=${ip#*::} gateway=${rest%%%%:*} mask=${rest#*:}
mask=${mask%%%%:*}
busybox ifconfig eth0 "$address" netmask "$mask" up
busybox route add default gw "$gateway"
echo "vm: $address mask $mask gateway $gateway mac $(busybox cat /sys/class/net/eth0/address)"
echo "vm: lan sees $(busybox nc %(server)s </dev/null)"
busybox udhcpc -i eth0 -n -q -t 5 -T 1 -s /lease
while :; do echo "$address" | busybox nc -l -p 7 ; done
"""
LEASE = """#!/bin/busybox sh
[ "$1" != bound ] || echo "vm: lease $ip"
"""


def kernel():
    """The kernel's path, or None."""
    found = sorted(glob.glob(f"{KERNEL_DIR}/boot/vmlinuz-*"))
    return found[-1] if KERNEL_DIR and found else None


def _entry(name, data, mode):
    """A member of a cpio archive (newc)."""
    raw = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def _libraries(program):
    return re.findall(r"(/\S+) \(0x", run("ldd", program, expect=None))


def initramfs(path, server):
    """Writes it to `path`. The VM reads what `server` ("ADDRESS PORT") says to it."""
    files = {"init": (INIT % {"modules": " ".join(MODULES), "server": server}).encode(),
             "lease": LEASE.encode()}
    for source in ("/bin/busybox", *_libraries("/bin/busybox")):
        with open(source, "rb") as file:
            files[source.lstrip("/")] = file.read()
    for module in MODULES:
        found = glob.glob(f"{KERNEL_DIR}/lib/modules/*/kernel/**/{module}.ko", recursive=True)
        if found:  # else it is in the kernel
            with open(found[0], "rb") as file:
                files[f"modules/{module}.ko"] = file.read()
    directories = {"proc", "dev", "sys"}
    for name in files:
        while "/" in name:
            name = os.path.dirname(name)
            directories.add(name)
    with open(path, "wb") as archive:
        for name in sorted(directories):
            archive.write(_entry(name, b"", stat.S_IFDIR | 0o755))
        for name, data in files.items():
            archive.write(_entry(name, data, stat.S_IFREG | 0o755))
        archive.write(_entry("TRAILER!!!", b"", 0))
    os.chmod(path, 0o644)


def command(kernel_path, initramfs_path, *network):
    """QEMU's command line; what the VM says is on stdout."""
    return ("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg",
            "-m", "128", "-kernel", kernel_path, "-initrd", initramfs_path, "-serial", "stdio",
            "-no-reboot", *network)
