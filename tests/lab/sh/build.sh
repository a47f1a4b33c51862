# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab's two builds: the one that is installed and booted, and the one with sanitizers whose unit
# and fuzz tests run. Both with warnings as errors, both kept in .lab/ for the next time.

build_dir=$lab_dir/build
sanitize_dir=$lab_dir/build-sanitize
build_options=(--prefix=/usr --sysconfdir=/etc --localstatedir=/var -Dwerror=true)

# build DIRECTORY quiet|loud OPTION...: shows what the compiler says where it fails.
build() {
        local dir=$1 how=$2 log=$out_dir/$(basename "$1").log
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
        build "$build_dir" "$how" -Dbuildtype=debugoptimized "$@"
}

build_sanitized() {
        say "building with sanitizers"
        build "$sanitize_dir" loud -Db_sanitize=address,undefined -Db_lundef=false
}

# build_install ROOT
build_install() {
        DESTDIR=$1 meson install -C "$build_dir" --no-rebuild --quiet >"$out_dir/install.log" 2>&1 &&
                return 0
        cat "$out_dir/install.log" >&2
        say_error "the installation into the overlay failed"
        return 1
}
