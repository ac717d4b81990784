#!/bin/sh
# kernels.sh - each file of cl/ compiles behind common.cl, as OpenCL C 1.2 and
# with the defaults of its -D options, without a warning.
cd "${top_srcdir:-.}" || exit 99
clang=${CLANG:-clang}
if ! command -v "$clang" >/dev/null 2>&1; then
    echo 'ok - # SKIP clang is missing, which checks kernels with no device'
    exit 77
fi

failed=0
for file in cl/*.cl; do
    before='-include cl/common.cl'
    [ "$file" != cl/common.cl ] || before=
    # shellcheck disable=SC2086 # two words or none
    if said=$("$clang" -x cl -cl-std=CL1.2 -Xclang -finclude-default-header \
        -fsyntax-only -Wall -Wextra -Wno-unused-function \
        -Wno-unused-parameter -Wno-unused-variable -Werror -I cl $before \
        "$file" 2>&1); then
        echo "ok - $file"
    else
        echo "not ok - $file"
        echo "$said" | sed 's/^/    /'
        failed=1
    fi
done
exit $failed
