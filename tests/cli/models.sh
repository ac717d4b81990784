#!/bin/sh
# models.sh - model files from elsewhere: which can be trained and measured, and
# what is said of those that cannot; see models.c.
. "$top_srcdir/tests/cli/common.sh"
need_device

for kind in bend rows line one pair found kept; do
    ok "writes $kind" \
        "$top_builddir/tests/cli/models" "$kind" "$here/$kind.onnx"
done

# train KIND ...: on drawn digits.
train() {
    model=$here/$1.onnx
    shift
    run train "$model" --data digits --limit 256 --limit-test 64 --batch 16 \
        --epochs 3 --optimizer "sgd lr=0.05" --json --quiet --out "$here/run" \
        "$@"
}

# refuses CODE WORDS: that exit code, a sentence that has them, and no other.
refuses() {
    ok "exit code $1" [ "$code" -eq "$1" ]
    ok "it says: $2" grep -qF -- "$2" "$here/err"
    ok "one sentence" [ "$(grep -c '^ocellus: ' "$here/err")" -eq 1 ]
}

train bend
refuses 2 "DeformConv 'bend': this operator has no gradient"
run bench "$here/bend.onnx" --train --seconds 0.1
refuses 2 "DeformConv 'bend': this operator has no gradient"
train bend --freeze
ok "behind it, the last layer can be trained" [ "$code" -eq 0 ]

for kind in rows line; do
    train $kind
    ok "$kind: trains" [ "$code" -eq 0 ]
    accuracy=$(number accuracy)
    ok "$kind: the loss falls each time" awk -F, '
        NR > 2 && $3 >= last { up = 1 }
        { last = $3 }
        END { exit up || NR != 4 }' "$here/run/history.csv"
    run eval "$here/run/model.onnx" --data digits --limit 256 --limit-test 64 \
        --json --quiet
    ok "$kind: eval finds the same accuracy, $accuracy" \
        [ "$(number accuracy)" = "$accuracy" ]
    { printf 'P5 28 28 255\n' && head -c 784 /dev/zero; } >"$here/x.pgm"
    run predict "$here/run/model.onnx" "$here/x.pgm" --top 10
    ok "$kind: predicts" [ "$(grep -c % "$here/out")" -eq 10 ]
done
{ printf 'P6 28 28 255\n' && head -c 2352 /dev/zero; } >"$here/x.ppm"
run predict "$here/rows.onnx" "$here/x.ppm"
refuses 2 "--transform gray"

# A batch that the file does not say, by the option only.
{
    printf '\223NUMPY\1\0v\0'
    printf '%-117s\n' \
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 784), }"
    head -c $((3 * 784 * 4)) /dev/zero
} >"$here/three.npy"
run run "$here/one.onnx" --input "$here/three.npy"
refuses 2 "takes a batch of 1, $here/three.npy holds 3; with --batch 3"
run run "$here/one.onnx" --input "$here/three.npy" --batch 3
ok "one: runs three" grep -q '^y: float32 3x10, from ' "$here/out"
run run "$here/one.onnx" --input "$here/three.npy" --batch 2
refuses 2 "holds a batch of 3; --batch says 2"
run run "$here/line.onnx" --input "$here/three.npy" --batch 3
ok "line: an open batch is one too" \
    grep -q '^y: float32 3x10, from ' "$here/out"
run run "$here/pair.onnx" --input "$here/three.npy" --batch 3
refuses 2 "made for batches of 2 alone: Reshape"

train found
refuses 6 "first output 'y' is known only in the run"
run bench "$here/found.onnx" --train --seconds 0.1
refuses 2 "NonZero 'NonZero_1': it needs numbers that are known only within"
train kept
refuses 6 "not N x classes of floating point numbers"
run bench "$here/kept.onnx" --train --seconds 0.1
refuses 6 "--train needs an output of N x classes"

# KIND UNIT
while read -r kind unit; do
    run bench "$here/$kind.onnx" --seconds 0.1
    ok "bench measures $kind" [ "$code" -eq 0 ]
    ok "as $unit" grep -q "^  $unit *a second" "$here/out"
done <<END
bend images
rows sequences
line samples
found images
kept sequences
END
run bench charlstm --batch 2 --seconds 0.1 --json
ok "text is of sequences" grep -q '"unit": "sequences"' "$here/out"
ok "the key is the same for all" \
    more "$(number images_per_second)" 0
finish
