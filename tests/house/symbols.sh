#!/bin/sh
# symbols.sh - every symbol that the shared library exports begins with
# ocellus_, all that the public headers declare are there, and the library can
# neither end the process nor write to its standard streams.
library=$(find "$top_builddir/src/.libs" -name 'libocellus.so' 2>/dev/null)
if [ -z "$library" ]; then
    echo 'ok - # SKIP there is no shared library in this build'
    exit 77
fi
if ! command -v nm >/dev/null 2>&1; then
    echo 'ok - # SKIP nm is missing'
    exit 77
fi

# Names without their version (ocellus_error@@OCELLUS_0).
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
    sed 's/@.*//' | sort -u)
imported=$(nm -D --undefined-only "$library" | awk '{ print $NF }' |
    sed 's/@.*//' | sort -u)
declared=$(cat "$top_srcdir"/include/*.h | tr '\n' ' ' |
    sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/| |g' | tr ';' '\n' |
    sed -n 's/.*OCELLUS_API[^(]*[ *]\(ocellus_[a-z0-9_]*\) *(.*/\1/p' |
    sort -u)

foreign() {
    echo "$exported" | grep -v '^ocellus_' | grep . |
        sed 's/^/not ok - exports a name that is not ocellus_...: /'
}

# The sanitizers bring their own; __stack_chk_fail is the compiler's.
forbidden='exit|_exit|_Exit|quick_exit|abort|__assert_fail|__assert|raise'
forbidden="$forbidden|printf|vprintf|puts|putchar|perror|psignal|err|errx"
forbidden="$forbidden|warn|warnx|__printf_chk|__vprintf_chk|stdout|stderr"
forbidden="$forbidden|system|signal|sigaction"
ending() {
    echo "$imported" | grep -xE "$forbidden" |
        sed 's/^/not ok - the library imports: /'
}

undefined() {
    echo "$imported" | grep -E '^(oc|ocellus)_' |
        sed 's/^/not ok - used in the library, defined nowhere: /'
}

absent() {
    for name in $declared; do
        echo "$exported" | grep -qx "$name" ||
            echo "not ok - declared in a public header, not exported: $name"
    done
}

# The other way round: what is exported is in a header.
hidden() {
    for name in $exported; do
        echo "$declared" | grep -qx "$name" ||
            echo "not ok - exported, not in a public header: $name"
    done
}

wrong=$(foreign; ending; undefined; absent; hidden)
if [ -n "$wrong" ]; then
    echo "$wrong"
    exit 1
fi
echo "ok - $(echo "$exported" | wc -l) exported symbols, all ocellus_"
echo "ok - $(echo "$imported" | wc -l) imported symbols, none that ends or \
prints"
