#!/bin/sh
# operators.sh - writes doc/operators.md from src/op/ops.def:
#
#     sh doc/operators.sh > doc/operators.md
set -eu
cd "$(dirname "$0")/.."

# rows 0: the operators; rows 1: the gradients. A "|" would end a cell.
rows() {
    sed -n 's/^OP(\([A-Za-z0-9]*\), *"\(.*\)") *$/\1 \2/p' src/op/ops.def |
        awk -v gradients="$1" '($1 ~ /Grad/) == gradients {
            name = $1
            sub(/^[^ ]* /, "")
            gsub(/\|/, "\\|")
            printf "| `%s` | %s |\n", name, $0
        }'
}

cat <<'END'
# Operators

Names, attributes and semantics are ONNX's where ONNX has the operator. Every
one has a shape rule, a plain kernel that the faster ones are tested against
(unless it only renames bytes or is made of other operators), and two tests: its
definition, in plain loops with sums in double, and its gradient, by central
differences. `ocellus ops` says more of each.

Of the 1,765 operator tests of ONNX 1.22, Ocellus passes the 1,492 of operators
in this table; those of 8-bit floats, 4-bit and 2-bit integers, bfloat16, text and
random numbers are left out. `tests/net/conformance.sh` keeps it so.

This page is made by `doc/operators.sh` from `src/op/ops.def`.

| Operator | what it computes |
|---|---|
END
rows 0
cat <<'END'

## Gradients

What the gradient pass adds where no operator above says it. They are not part
of ONNX and are never written to a model file.

| Operator | what it computes |
|---|---|
END
rows 1
