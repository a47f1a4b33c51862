# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The lab's builds: the one that is installed and booted, the one with sanitizers whose unit and fuzz
# tests run, and the one that is measured. All with warnings as errors, all kept in .lab/.

build_dir=$lab_dir/build
sanitize_dir=$lab_dir/build-sanitize
build_options=(--prefix=/usr --sysconfdir=/etc --localstatedir=/var -Dwerror=true)

# alone COMMAND ARGUMENT...: while no other lab of this checkout builds or installs.
alone() {
        (
                flock 9 && "$@"
        ) 9>"$lab_dir/lock"
}

# build DIRECTORY quiet|loud OPTION...: shows what the compiler says where it fails.
build() {
        local dir=$1 how=$2 log=$out_dir/${1##*/}.log
        shift 2

        if [ -f "$dir/build.ninja" ]; then
                meson configure "$dir" "${build_options[@]}" "$@" >"$log" 2>&1
        else
                rm -rf "$dir"
                meson setup "$dir" "$top" "${build_options[@]}" "$@" >"$log" 2>&1
        fi && ninja -C "$dir" >>"$log" 2>&1 && return 0

        grep -E 'error|ERROR|FAILED|warning' -A 6 "$log" | tail -n 60 >&2
        [ "$how" = quiet ] || tail -n 5 "$log" >&2
        say_error "the build in $dir failed; all of it is in $lab_dir/last-failure"
        return 1
}

build_plain() {
        local how=$1
        shift
        say "building"
        alone build "$build_dir" "$how" -Dbuildtype=debugoptimized "$@"
}

build_sanitized() {
        say "building with sanitizers"
        alone build "$sanitize_dir" loud -Db_sanitize=address,undefined -Db_lundef=false
}

# What is installed from here on is what is measured.
build_bench() {
        build_dir=$lab_dir/build-bench
        say "building"
        alone build "$build_dir" quiet -Dbuildtype=release
}

# build_install ROOT: the build of $build_dir.
build_install() {
        DESTDIR=$1 alone meson install -C "$build_dir" --no-rebuild --quiet >"$out_dir/install.log" 2>&1 &&
                return 0
        cat "$out_dir/install.log" >&2
        say_error "the installation into the overlay failed"
        return 1
}
