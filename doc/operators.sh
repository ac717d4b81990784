#!/bin/sh
# operators.sh - writes doc/operators.md from src/op/ops.def:
#
#     sh doc/operators.sh > doc/operators.md
set -eu
cd "$(dirname "$0")/.."

# The file that defines an operator.
family() {
    grep -lE "oc_op_$1([^A-Za-z0-9_]|\$)|\($1,|\"$1\"" src/op/*.c |
        grep -v registry.c | head -n 1 | sed 's|.*|[`&`](../&)|'
}

cat <<'END'
# Operators

Names, attributes and semantics are ONNX's where ONNX has the operator. Every
one has a shape rule, a plain kernel that the faster ones are tested against
(unless it only renames bytes), and two tests: its definition, in plain loops
with sums in double, and its gradient, by central differences.

This page is made by `doc/operators.sh` from `src/op/ops.def`.

| Operator | what it computes | where |
|---|---|---|
END
sed -n 's/^OP(\([A-Za-z0-9]*\), *"\(.*\)") *$/\1 \2/p' src/op/ops.def |
    while read -r op what; do
        printf '| `%s` | %s | %s |\n' "$op" "$(echo "$what" |
            sed 's/|/\\|/g')" "$(family "$op")"
    done
