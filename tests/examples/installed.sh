#!/bin/sh
# installed.sh - an installed copy serves a stranger: the examples and the
# program in README.md compile with nothing but what pkg-config says, and run.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

if ! pkg-config --version >/dev/null 2>&1; then
    echo "skipped: there is no pkg-config"
    exit 77
fi
# "install" must not inherit the flags of the make that runs the tests.
if ! env -u MAKEFLAGS -u MAKELEVEL "${MAKE:-make}" -s -C "$top_builddir" \
    install DESTDIR="$dir/root" >"$dir/log" 2>&1; then
    cat "$dir/log"
    echo "not ok - make install DESTDIR=..."
    exit 1
fi
echo "ok - make install DESTDIR=..."

pc=$(find "$dir/root" -name ocellus.pc)
lib=$(dirname "$(dirname "$pc")")
about() { # what pkg-config says, moved below DESTDIR
    PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$dir/root \
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
        pkg-config "$@" ocellus
}
opencl="$(pkg-config --cflags --libs OpenCL 2>/dev/null || echo -lOpenCL) -lm"
sanitizer=$(sed -n 's/^OC_SANITIZER_CFLAGS = //p' "$top_builddir/Makefile")

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' \
    "$top_srcdir/README.md" >"$dir/readme.c"

compile() { # compile NAME SOURCE LIBRARIES...
    title=$1
    source=$2
    shift 2
    if $CC -std=c11 -Wall $sanitizer $(about --cflags) "$source" \
        -o "$dir/$title" "$@" >"$dir/log" 2>&1 && test ! -s "$dir/log"; then
        echo "ok - $title compiles against the installed copy"
    else
        cat "$dir/log"
        echo "not ok - $title compiles against the installed copy"
        failed=1
    fi
}

for name in classify train_own own_queue; do
    compile $name "$top_srcdir/tests/examples/$name.c" $(about --libs) $opencl
done
compile readme "$dir/readme.c" $(about --libs)
if test -f "$lib/libocellus.a"; then
    compile static "$dir/readme.c" "$lib/libocellus.a" \
        $(about --static --libs | sed 's/-locellus//')
fi

if "$OCELLUS" devices >"$dir/log" 2>&1; then
    for name in own_queue readme static; do
        test -x "$dir/$name" || continue
        # README's program ends without giving back what it holds.
        case $name in
        own_queue) leaks=1 ;;
        *) leaks=0 ;;
        esac
        if ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=$leaks \
            LD_LIBRARY_PATH=$lib "$dir/$name" >"$dir/log" 2>&1; then
            sed 's/^/# /' "$dir/log"
            echo "ok - $name runs"
        else
            cat "$dir/log"
            echo "not ok - $name runs"
            failed=1
        fi
    done
fi
if awk '/^loss/ { good = $2 > 0 && $2 < 1.5 } END { exit !good }' "$dir/log" ||
    ! test -x "$dir/static"; then
    echo "ok - the program in README.md learns"
else
    echo "not ok - the program in README.md learns"
    failed=1
fi
exit $failed
