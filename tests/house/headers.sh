#!/bin/sh
# headers.sh - each header compiles when it is included alone; the public ones
# also as C99's successors and C++ see them, without a warning.
cd "${top_srcdir:-.}" || exit 99
cc=${CC:-cc}
flags="-I include -I src -I ${top_builddir:-.} -I ${top_builddir:-.}/src -D_XOPEN_SOURCE=700"
flags="$flags -DCL_TARGET_OPENCL_VERSION=120"
failed=0

# alone COMPILER... HEADER
alone() {
    for header; do :; done
    if said=$("$@" 2>&1); then
        echo "ok - $header"
    else
        echo "not ok - $header alone: $*"
        echo "$said" | head -n 8 | sed 's/^/    /'
        failed=1
    fi
}

# shellcheck disable=SC2086 # lists of words
for header in include/*.h src/*/*.h; do
    alone $cc -std=c11 -x c -fsyntax-only -Wall -Wextra -Wpedantic \
        -Wno-unused-function -Werror $flags "$header"
done
if command -v g++ >/dev/null 2>&1; then
    for header in include/*.h; do
        alone g++ -std=c++11 -x c++ -fsyntax-only -Wall -Wextra -Wpedantic \
            -Werror -I include "$header"
    done
else
    echo 'ok - C++ # SKIP g++ is missing'
fi
exit $failed
