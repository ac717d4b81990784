#!/bin/sh
# run.sh - a model from files to files: inspect, run, onnx-test.
. "$top_srcdir/tests/cli/common.sh"
need_device

run train mlp --data digits --limit 64 --limit-test 32 --epochs 1 --seed 1 \
    --out "$here/net"
ok "a model to run" [ "$code" -eq 0 ]
model=$here/net/model.onnx
run inspect "$model"
ok "inspect" [ "$code" -eq 0 ]
ok "its input's shape" grep -q '^input .*: float32 ?x1x28x28$' "$here/out"
ok "its operator set" grep -q '^ONNX, operator set [0-9]*, IR [0-9]*, made by' \
    "$here/out"
ok "its operators" grep -q '^operators: .*Gemm 3' "$here/out"
LC_ALL=C sed 's/Relu/Rolu/g' "$model" >"$here/strange.onnx"
exits 2 "an operator that is none" inspect "$here/strange.onnx"
ok "it is listed all the same" \
    grep -q '^input .*: float32 ?x1x28x28$' "$here/out"
ok "what is not there" grep -q '^not there: Rolu [0-9]*$' "$here/out"
run inspect "$model"
input=$(sed -n 's/^input \(.*\): .*/\1/p' "$here/out")
output=$(sed -n 's/^output \(.*\): .*/\1/p' "$here/out")

# NumPy's format, version 1.0: a header of 128 bytes, then the numbers.
{
    printf '\223NUMPY\1\0v\0'
    printf '%-117s\n' \
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 28, 28), }"
    head -c $((2 * 784 * 4)) /dev/zero
} >"$here/x.npy"
run run "$model" --input "$input=$here/x.npy" --output-dir "$here/y"
ok "run" [ "$code" -eq 0 ]
ok "says what came out" grep -q "^$output: float32 2x10, from " "$here/out"
ok "writes it" [ "$(wc -c <"$here/y/$output.npy")" -eq $((128 + 80)) ]
run run "$model" --input "$here/x.npy" --json
ok "one input needs no name" [ "$code" -eq 0 ]
ok "shape as JSON" grep -q '"shape": "2x10"' "$here/out"

exits 2 "an input that is none" run "$model" --input "z=$here/x.npy"
exits 2 "an input without a file" run "$model"
exits 10 "a file that is not there" run "$model" --input "$here/none.npy"
exits 2 "a file of another kind" run "$model" --input "$model"
exits 2 "onnx-test without its words" onnx-test "$model"
exits 10 "onnx-test without its list" onnx-test --batch "$here/none"
finish
