#!/bin/sh
# complete.sh - every operator family (a file of src/op that defines an
# operator) has its test file; every operator of ops.def has its definition, a
# case in tests/op and a row in doc/operators.md; every source and kernel is in
# a room.am, and therefore in the library and the release.
cd "${top_srcdir:-.}" || exit 99

ops=$(sed -n 's/^OP(\([A-Za-z0-9]*\),.*/\1/p' src/op/ops.def)

families() {
    for file in $(grep -lE '^(const )?struct oc_op oc_op_|^POINTWISE' \
        src/op/*.c); do
        test=tests/op/$(basename "$file")
        [ -f "$test" ] || echo "not ok - $file has no test $test"
    done
}

operators() {
    for op in $ops; do
        grep -qE "oc_op_$op([^A-Za-z0-9_]|$)|\($op," src/op/*.c ||
            echo "not ok - $op is in ops.def and in no file of src/op"
        grep -qE "\"$op\"" tests/op/*.c ||
            echo "not ok - $op has no case in tests/op"
        grep -qE "^\| *\`?$op\`? *\|" doc/operators.md 2>/dev/null ||
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
echo "ok - $(echo "$ops" | wc -w) operators have definition, test and row"
