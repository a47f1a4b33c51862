# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The container: private mount and pid namespaces, an overlay of / with the project installed into
# it, and a systemd booted there. All of it hangs on one process: when that goes, so do the mounts,
# the processes and the network. What would stay, two control groups, container_end removes.
#
# Inside and outside share $out_dir, seen inside as /run/lab:
#   request      what to run: arguments of tests/lab/main.py, one per line
#   claims/      a file per test that some container has taken
#   environment  for its unit
#   output       a FIFO, its output
#   status       its exit code, the last thing it writes; none: it never came so far
#   results      a line per test: ok, failed or skipped, a tab, name, a tab, reason
#   journal/     the container's journal

container_pid=''
container_groups=()
container_name=dut-network-lab-$$
claims_dir=''

# Where this process stands in the hierarchies that systemd-nspawn makes groups in.
own_groups() {
        local line path
        while IFS= read -r line; do
                path=${line##*:}
                case $line in
                *:name=systemd:*) printf '%s\n' "/sys/fs/cgroup/systemd$path" ;;
                0::*) if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
                        printf '%s\n' "/sys/fs/cgroup$path"
                else
                        printf '%s\n' "/sys/fs/cgroup/unified$path"
                fi ;;
                esac
        done </proc/self/cgroup
}

container_make_groups() {
        local group
        while IFS= read -r group; do
                group=${group%/}/$container_name
                mkdir "$group" 2>/dev/null && container_groups+=("$group")
        done < <(own_groups)
}

# container_start ARGUMENT...: replaces this (sub)shell.
container_start() {
        local group
        for group in "${container_groups[@]}"; do
                echo "$BASHPID" >"$group/cgroup.procs" || exit 1
        done
        exec setpriv --pdeathsig KILL \
                unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
                "$top/lab" --inside "$out_dir" "$claims_dir" "$build_dir" "$@"
}

# container_run REQUEST ARGUMENT...: boots and runs it; returns its exit code.
container_run() {
        local code
        container_prepare "$@" || return 1
        container_make_groups

        # In a shell Ctrl-C is for what runs there.
        [ "$1" != shell ] || trap : INT
        (container_start "$@") <&0 &
        container_pid=$!
        wait "$container_pid"
        code=$?
        while kill -0 "$container_pid" 2>/dev/null; do
                wait "$container_pid"
                code=$?
        done
        trap 'exit 130' INT
        container_pid=''
        return $code
}

container_prepare() {
        claims_dir=${claims_dir:-$out_dir/claims}
        mkdir -p "$out_dir/journal" "$out_dir/claims" "$claims_dir" && chmod 755 "$out_dir" || return 1
        printf '%s\n' "$@" >"$out_dir/request"
        {
                printf 'LAB_TOP=%s\nLAB_BUILD=%s\nLAB_COLOUR=%s\nLAB_COLUMNS=%s\nCI=%s\n' "$top" \
                        "$build_dir" "${bold:+yes}" "$(tput cols 2>/dev/null || echo 100)" "${CI-}"
                printf 'SOAK_SECONDS=%s\nSOAK_SEED=%s\n' "${SOAK_SECONDS-}" "${SOAK_SEED-}"
                printf 'BENCH_STRICT=%s\n' "${BENCH_STRICT-}"
                printf 'LAB_KERNEL=%s\n' "$kernel_dir"
        } >"$out_dir/environment"
        rm -f "$out_dir/output" && mkfifo "$out_dir/output"
}

# container_remove_group GROUP: what was killed takes a moment to leave it.
container_remove_group() {
        local tries
        for ((tries = 0; tries < 200; tries++)); do
                find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
                [ -d "$1" ] || return 0
                sleep 0.02
        done
        say_error "the control group $1 could not be removed"
}

container_end() {
        local group
        if [ -n "$container_pid" ]; then
                kill -KILL "$container_pid" 2>/dev/null
                wait "$container_pid" 2>/dev/null
        fi
        for group in "${container_groups[@]}"; do
                container_remove_group "$group"
        done
        container_groups=()
}

# What an earlier run left because it was killed outright.
container_sweep() {
        local left group pid
        for left in "$lab_dir"/out.*; do
                pid=${left##*.}
                [ -d "$left" ] && ! kill -0 "$pid" 2>/dev/null || continue
                rm -rf "$left"
                while IFS= read -r group; do
                        for group in "${group%/}/dut-network-lab-$pid"{,.*}; do
                                [ ! -d "$group" ] || container_remove_group "$group"
                        done
                done < <(own_groups)
        done
}

# From here on: as init of the private pid namespace.

container_inside() {
        out_dir=$1 claims_dir=$2 build_dir=$3
        shift 3
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP

        local mnt=$lab_dir/mnt
        container_mount "$mnt" || return 1
        build_install "$mnt/root" || return 1
        container_install_lab "$mnt/root" || return 1
        container_boot "$mnt/root" &
        if [ "$1" = shell ]; then
                # What is left running ends with this process.
                container_shell
                return 0
        fi
        wait $!
        container_code
}

# container_mount DIRECTORY: the overlay, on a tmpfs that only this mount namespace sees.
container_mount() {
        mkdir -p "$1" /run/systemd/nspawn &&
                mount -t tmpfs -o mode=755 dut-network-lab "$1" &&
                mkdir "$1/upper" "$1/work" "$1/root" &&
                mount -t overlay dut-network-lab "$1/root" \
                        -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" &&
                mount -t tmpfs -o mode=755 dut-network-lab /run/systemd/nspawn && return 0
        say_error "cannot mount an overlay of this machine; has the kernel overlayfs?"
        return 1
}

# container_install_lab ROOT: the lab's own units and settings. They come into no package.
container_install_lab() {
        local units=$top/tests/lab/units unit
        cd "$1" || return 1
        install -D -m 644 "$units"/dut-network-lab.{target,service} -t etc/systemd/system &&
                sed -i "s|@TOP@|$top|" etc/systemd/system/dut-network-lab.service &&
                install -D -m 644 "$units"/journald.conf \
                        etc/systemd/journald.conf.d/dut-network-lab.conf &&
                install -D -m 644 "$units"/NetworkManager.conf \
                        etc/NetworkManager/conf.d/dut-network-lab.conf &&
                install -D -m 644 "$units"/users.conf usr/lib/sysusers.d/dut-network-lab.conf || return 1
        # With udev, NetworkManager waits for rules that leave a veth unmanaged.
        for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-{control,kernel}.socket; do
                ln -sf /dev/null "etc/systemd/system/$unit"
        done
        # Of this machine's own configuration nothing that would carry a connection or a network in.
        rm -rf etc/NetworkManager/system-connections/* run/NetworkManager/system-connections/* \
                etc/jumpstarter var/lib/jumpstarter var/lib/NetworkManager/*
        cd / || return 1
}

# container_boot ROOT: returns when it is shut down.
container_boot() {
        local binds=(--bind=/dev/net/tun "--bind=$out_dir:/run/lab" "--bind=$claims_dir:/run/lab/claims" "--bind=$out_dir/journal:/var/log/journal")
        # The overlay has what is on the root file system; a checkout elsewhere is put in its place.
        case $top in
        /tmp/* | /run/*) binds+=("--bind-ro=$top") ;; # empty in there
        *) [ "$(stat -c %d "$top")" = "$(stat -c %d /)" ] || binds+=("--bind-ro=$top") ;;
        esac

        cat "$out_dir/output" &
        local reader=$!
        timeout --kill-after=10 "${LAB_TIMEOUT:-1200}" \
                systemd-nspawn --quiet --machine=dut-network-lab --directory="$1" \
                --private-network --register=no --keep-unit --console=pipe --link-journal=no \
                --resolv-conf=off --capability=CAP_NET_ADMIN,CAP_NET_RAW "${binds[@]}" \
                -b systemd.unit=dut-network-lab.target systemd.show_status=no \
                </dev/null >"$out_dir/console" 2>&1
        : >>"$out_dir/ended"
        # Where nothing in the container ever opened the FIFO, this ends the reader's wait.
        { : >"$out_dir/output"; } 2>/dev/null &
        wait $reader
}

# The exit code of what ran inside; 125 when it never came to its end.
container_code() {
        [ -s "$out_dir/status" ] && return "$(cat "$out_dir/status")"
        say_error "what ran in the lab did not come to its end; the console said:"
        tail -n 20 "$out_dir/console" >&2
        return 125
}

# The container's init: the child of systemd-nspawn, as seen from here.
container_leader() {
        local pid comm ppid
        for pid in /proc/[0-9]*; do
                pid=${pid#/proc/}
                read -r comm <"/proc/$pid/comm" 2>/dev/null || continue
                [ "$comm" = systemd ] || continue
                ppid=$(sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$pid/stat")
                [ "$(cat "/proc/$ppid/comm" 2>/dev/null)" = systemd-nspawn ] && printf '%s\n' "$pid" && return 0
        done
        return 1
}

# Waits until LAN and DUT are there, and puts the user's terminal into the container.
container_shell() {
        local leader tries
        for ((tries = 0; tries < 600; tries++)); do
                [ -e "$out_dir/ready" ] && break
                [ -e "$out_dir/ended" ] && return 1
                sleep 0.05
        done
        leader=$(container_leader) || return 1
        cd / || return 1
        nsenter --target "$leader" --all \
                bash --rcfile "$top/tests/lab/sh/shell.rc" -i
}
