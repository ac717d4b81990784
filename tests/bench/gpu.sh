#!/bin/sh
# gpu.sh - all that is to be known of a graphics card in one go: products and
# memory-bound kernels, ResNet-50 and MobileNetV2, MNIST to 99%; beside PyTorch
# where $PYTHON has one with CUDA.
#
#     sh tests/bench/gpu.sh [--small] RESULT.json
#
# From the build folder, after `make check_PROGRAMS` or any `make check`.
# --small: tiny sizes, to see that the script works, on any device. Not a test:
# nothing here passes or fails; what could not be measured says so.
#
#     BUILD        the build folder (.)
#     OCELLUS      the program ($BUILD/ocellus)
#     DEVICE       for its --device (gpu; --small: the default)
#     PYTHON       python3
#     MNIST        a folder with MNIST's four files; without it, not measured
#     RUN_SECONDS  of a net (5)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
small=
if [ "${1:-}" = --small ]; then
    small=--small
    shift
fi
if [ $# -ne 1 ]; then
    echo 'usage: gpu.sh [--small] RESULT.json' >&2
    exit 2
fi
result=$1
build=${BUILD:-.}
ocellus=${OCELLUS:-$build/ocellus}
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
device=${DEVICE-$([ -n "$small" ] || echo gpu)}
batch=64
seconds=${RUN_SECONDS:-5}
nets='resnet50 mobilenetv2'
if [ -n "$small" ]; then
    batch=2
    seconds=0.2
    nets=lenet5
fi

# say WHAT COMMAND...: a JSON line of it, or that it failed.
say() {
    what=$1
    shift
    echo "gpu.sh: $what" >&2
    if "$@" >"$folder/line" 2>"$folder/said"; then
        sed "s/^{/{\"what\": \"$what\", /" "$folder/line" >>"$folder/rows"
    else
        tail -n 1 "$folder/said" | sed 's/[\\"]//g' >"$folder/line"
        echo "{\"what\": \"$what\", \"failed\": \"$(cat "$folder/line")\"}" \
            >>"$folder/rows"
    fi
}

bench() {
    "$ocellus" bench "$@" --batch $batch --seconds "$seconds" --profile \
        --json ${device:+--device "$device"}
}

mnist() {
    "$ocellus" train lenet5 --data "$MNIST" --batch 256 --out "$folder/run" \
        --optimizer 'sgd lr=0.05 momentum=0.9 nesterov' --schedule onecycle \
        ${device:+--device "$device"} --json "$@"
}

: >"$folder/rows"
# shellcheck disable=SC2086 # a word or nothing
say kernels "$build/tests/bench/gpu_kernels" $small
for net in $nets; do
    say "$net inference" bench $net
    say "$net training" bench $net --train
done
if [ -n "${MNIST:-}" ]; then
    if [ -n "$small" ]; then
        say mnist mnist --epochs 1 --limit 512 --limit-test 256
    else
        say mnist mnist --epochs 3
    fi
fi
say torch "$python" "$here/gpu.py" torch "$batch" $small
"$ocellus" devices --json >"$folder/devices" 2>/dev/null || :
"$python" "$here/gpu.py" gather "$folder" "$result"
echo "gpu.sh: $result" >&2
