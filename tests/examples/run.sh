#!/bin/sh
# run.sh - the example programs do what their comments promise.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
examples=$top_builddir/tests/examples
failed=0

check() { # check TITLE COMMAND...
    title=$1
    shift
    if "$@"; then
        echo "ok - $title"
    else
        echo "not ok - $title"
        failed=1
    fi
}

if ! "$OCELLUS" devices >"$dir/devices" 2>&1; then
    echo "skipped: no OpenCL device to run the examples on"
    exit 77
fi

# A light disc on a dark ground, 16 x 16, as a PGM file.
awk 'BEGIN {
    printf "P5 16 16 127\n"
    for (y = 0; y < 16; y++)
        for (x = 0; x < 16; x++)
            printf "%c", ((x - 7) ^ 2 + (y - 7) ^ 2 < 25 ? 110 : 20)
}' >"$dir/disc.pgm"

check "own_queue: the sums are right" "$examples/own_queue"

"$examples/train_own" "$dir/shapes.onnx" | tee "$dir/log"
check "train_own: nine of ten right after three epochs" \
    awk '/^epoch 3:/ { good = $NF >= 0.9 } END { exit !good }' "$dir/log"
check "train_own: leaves a model" test -s "$dir/shapes.onnx"

"$examples/classify" "$dir/shapes.onnx" "$dir/disc.pgm" | tee "$dir/log"
check "classify: a disc is a disc" \
    awk 'NR == 1 { good = $1 > 50 && $3 == "disc" } END { exit !good }' \
    "$dir/log"
if "$examples/classify" "$dir/none.onnx" "$dir/disc.pgm" 2>"$dir/log"; then
    echo "not ok - classify: no model is a failure"
    failed=1
else
    check "classify: no model is a sentence" grep -q none.onnx "$dir/log"
fi
exit $failed
