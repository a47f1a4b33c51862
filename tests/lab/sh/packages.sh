# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What the lab and the build need of the distribution. Installs only what is missing, and starts or
# enables no service by that: the lab boots its own.

debian_packages=(
        build-essential meson ninja-build pkg-config clang clang-format python3-docutils
        libxml2-utils iputils-ping procps
        libglib2.0-dev libsystemd-dev libnm-dev libnftnl-dev libnftables-dev libmnl-dev libyaml-dev
        systemd systemd-container dbus polkitd network-manager dnsmasq-base
        nftables iptables firewalld iproute2 busybox bind9-dnsutils socat tcpdump strace libfaketime
        openssh-client dropbear-bin iperf3 chrony qemu-system-x86 isc-dhcp-client
        python3 python3-gi python3-yaml libglib2.0-bin
)
# The kernel that tests have to themselves: there is none for other machines.
case $(dpkg --print-architecture 2>/dev/null) in
amd64 | i386) debian_packages+=(user-mode-linux) ;;
esac
fedora_packages=(
        gcc clang clang-tools-extra meson ninja-build pkgconf-pkg-config python3-docutils
        libasan libubsan libxml2 iputils procps-ng
        glib2-devel systemd-devel NetworkManager-libnm-devel libnftnl-devel nftables-devel
        libmnl-devel libyaml-devel
        systemd systemd-container dbus-daemon polkit NetworkManager dnsmasq
        nftables iptables-nft firewalld iproute busybox bind-utils socat tcpdump strace libfaketime
        openssh-clients dropbear iperf3 chrony qemu-system-x86-core dhcp-client
        python3 python3-gobject-base python3-pyyaml glib2
)

# Services that come with these packages. One that we install stays off on the machine.
package_services=(firewalld.service NetworkManager.service dnsmasq.service chrony.service chronyd.service)

debian_missing() {
        local package
        for package in "${debian_packages[@]}"; do
                dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null |
                        grep -qx installed || printf '%s\n' "$package"
        done
}

fedora_missing() {
        local package
        for package in "${fedora_packages[@]}"; do
                rpm -q --quiet --whatprovides "$package" || printf '%s\n' "$package"
        done
}

# debian_install PACKAGE...: with a policy-rc.d that lets no service start.
debian_install() {
        local policy=/usr/sbin/policy-rc.d ours='' result=0
        if [ ! -e $policy ]; then
                printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && ours=yes
        fi
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" ||
                { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
                        apt-get install -qq -y --no-install-recommends "$@"; } || result=1
        [ -z "$ours" ] || rm -f $policy
        return $result
}

fedora_install() {
        dnf install -q -y --setopt=install_weak_deps=False "$@"
}

enabled_services() {
        local service
        for service in "${package_services[@]}"; do
                systemctl is-enabled --quiet "$service" 2>/dev/null && printf '%s\n' "$service"
        done
        return 0
}

# The kernel that a VM boots, unpacked and not installed: where Debian's is for this machine.
kernel_dir=$lab_dir/kernel
debian_kernel() {
        local package
        [ "$(dpkg --print-architecture)" = amd64 ] || return 0
        compgen -G "$kernel_dir/boot/vmlinuz-*" >/dev/null && return 0
        package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: //p') || return 1
        [ -n "$package" ] || { apt-get update -qq &&
                package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p'); }
        say "fetching the kernel that VMs boot: $package"
        rm -rf "$kernel_dir" && mkdir -p "$kernel_dir/fetched" &&
                (cd "$kernel_dir/fetched" && apt-get download -qq "$package" 2>/dev/null) &&
                dpkg-deb -x "$kernel_dir"/fetched/*.deb "$kernel_dir" && rm -r "$kernel_dir/fetched"
}

# Fedora's own is in /boot, and readable by root.
fedora_kernel() {
        return 0
}

packages_ensure() {
        local family missing before service
        if command -v dpkg-query >/dev/null; then
                family=debian
        elif command -v rpm >/dev/null && command -v dnf >/dev/null; then
                family=fedora
        else
                say_error "this machine has neither apt-get nor dnf; install by hand what $top/tests/lab/sh/packages.sh lists"
                return 1
        fi

        "${family}_kernel" || say "no kernel for VMs could be fetched; the test that boots one fails"
        missing=$("${family}_missing")
        [ -n "$missing" ] || return 0
        say "installing what is missing: ${missing//$'\n'/ }"
        before=$(enabled_services)
        # shellcheck disable=SC2086
        "${family}_install" $missing || {
                say_error "could not install: ${missing//$'\n'/ }"
                return 1
        }
        for service in $(enabled_services); do
                printf '%s\n' "$before" | grep -qxF "$service" ||
                        systemctl disable --quiet "$service"
        done
}
