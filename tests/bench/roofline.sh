#!/bin/sh
# roofline.sh - one picture for each net of what its launches achieve below what
# the device can do; see roofline.py.
#
#     sh tests/bench/roofline.sh FOLDER NET:MODE:BATCH...
#
# NET is a named net or a model's file, MODE infer or train. The pictures are
# FOLDER/NET-MODE-BATCH.svg; peaks.c measures the device for each picture.
#
#     OCELLUS, PYTHON, CC   the program, Python 3, a C compiler
#     MODELS                a folder: NET is its file NET.onnx (NET.train.onnx)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?where to}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${CC:-cc} -O2 "$here/peaks.c" -lOpenCL -o "$work/peaks"
mkdir -p "$folder"

for row; do
    net=${row%%:*}
    batch=${row##*:}
    mode=${row#*:}
    mode=${mode%:*}
    train=
    word=inference
    file=${MODELS:+$MODELS/$net.onnx}
    if [ "$mode" = train ]; then
        train=--train
        word=training
        file=${MODELS:+$MODELS/$net.train.onnx}
    fi
    for k in 1 2 3; do
        "${OCELLUS:-ocellus}" bench "${file:-$net}" --batch "$batch" $train \
            --seconds 1 --quiet --profile --trace "$work/$k.json" >/dev/null
        "$work/peaks" >>"$work/peaks.txt"
    done
    # the best of what was seen: others may use the machine
    sort -t: -k3 -g "$work/peaks.txt" | tail -n 1 >"$work/peaks.json"
    "${PYTHON:-python3}" "$here/roofline.py" "$work/peaks.json" \
        "$net, $word, batch $batch" \
        "$folder/$(basename "$net")-$mode-$batch.svg" "$work"/?.json
done
