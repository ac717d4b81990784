#!/bin/sh
# complete.sh - every operator family (a file of src/op that defines an
# operator) has its test file; every operator of ops.def has a case in tests/op
# and a row in doc/operators.md; every source and kernel is in a room.am, and
# therefore in the library and the release.
cd "${top_srcdir:-.}" || exit 99

ops=$(sed -n 's/^OP(\([A-Za-z0-9]*\),.*/\1/p' src/op/ops.def)

families() {
    for file in $(grep -lE '^ *const struct oc_op oc_op_' src/op/*.c); do
        test=tests/op/$(basename "$file")
        [ -f "$test" ] || echo "not ok - $file has no test $test"
    done
}

# That an operator of ops.def is defined, the linker knows (symbols.sh). A
# gradient operator (ReluGrad, SliceGrad) is covered by the gradient test of
# the operator that it belongs to.
operators() {
    cases=$(cat tests/op/*.c 2>/dev/null | grep -oE '"[A-Z][A-Za-z0-9]*' |
        tr -d '"' | sort -u)
    for op in $ops; do
        echo "$cases" | grep -qx -e "$op" -e "${op%%Grad*}" ||
            echo "not ok - $op has no case in tests/op"
        grep -q "^| \`$op\` |" doc/operators.md ||
            echo "not ok - $op has no row in doc/operators.md"
    done
}

# The table is made from ops.def, so a stale one is made anew.
table() {
    sh doc/operators.sh | cmp -s - doc/operators.md ||
        echo "not ok - doc/operators.md is stale:" \
            "sh doc/operators.sh > doc/operators.md"
}

# Words of all room.am files, one a line, where a last newline may be escaped.
listed=$(cat src/*/room.am cl/room.am tests/room.am tests/*/room.am \
    Makefile.am | grep -v '^#' | tr ' \t\\' '\n\n\n' | sort -u)
lists() {
    find src cl tests include \( -name '*.[ch]' -o -name '*.cl' -o \
        -name '*.def' -o -name '*.sh' -o -name '*.proto' -o \
        -name '*.py' \) ! -path '*/.*' | sort |
        while read -r file; do
            # A program of one file is listed by its own name.
            echo "$listed" | grep -qxF -e "$file" -e "${file%.c}" ||
                echo "not ok - $file is in no room.am"
        done
}

wrong=$(families; operators; table; lists)
if [ -n "$wrong" ]; then
    echo "$wrong"
    exit 1
fi
echo "ok - $(echo "$ops" | wc -w) operators have a test and a row"
