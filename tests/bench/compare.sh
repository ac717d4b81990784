#!/bin/sh
# compare.sh - Ocellus beside ONNX Runtime (inference) and PyTorch (training),
# in turn on one machine, and what came of it as JSON and as a picture.
#
#     sh tests/bench/compare.sh [RESULT.json [ROW...]]
#
# A ROW is NET:MODE:BATCH, like resnet18:train:8; without one, the whole table.
# The result's rows hold medians over the runs and the ratios of pairs
# (above 1: Ocellus is faster). Not a test: nothing here passes or fails.
#
#     OCELLUS      the program (ocellus)
#     PEERS        peers.py, which runs the pairs
#                  ($OCELLUS_TEST_DATA/bench/peers.py)
#     PYTHON       a Python with torch, torchvision, onnx, onnxruntime (python3)
#     MODELS       where the exported models are, or will be (a new folder)
#     ROUNDS, RUN_SECONDS, THREADS   pairs a row (5), length of a run (4),
#                  the threads of the peer (all)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ocellus=${OCELLUS:-ocellus}
python=${PYTHON:-python3}
peers=${PEERS:-${OCELLUS_TEST_DATA:-}/bench/peers.py}
result=${1:-$here/results/$(date +%Y-%m-%d).json}
[ $# -eq 0 ] || shift
models=${MODELS:-$(mktemp -d)}
rows=$result.rows

if ! [ -f "$peers" ]; then
    echo "compare.sh: there is no $peers: PEERS must say where peers.py is" >&2
    exit 2
fi
if [ $# -eq 0 ]; then
    for net in lenet5 resnet20 squeezenet mobilenetv2 resnet18 resnet50 vgg16 \
        alexnet; do
        set -- "$@" $net:infer:1 $net:infer:8
    done
    set -- "$@" lenet5:train:64 resnet20:train:64 squeezenet:train:8 \
        mobilenetv2:train:8 resnet18:train:8 resnet50:train:8 vgg16:train:8 \
        lstm:train:32
fi

: >"$rows"
for row in "$@"; do
    net=${row%%:*}
    batch=${row##*:}
    mode=${row#*:}
    mode=${mode%:*}
    [ -f "$models/$net.train.onnx" ] ||
        "$python" -W ignore "$peers" export "$models" "$net" >/dev/null
    echo "compare.sh: $net $mode, batch $batch" >&2
    "$python" "$peers" --seconds "${RUN_SECONDS:-4}" \
        --threads "${THREADS:-$(nproc)}" compare "$models" "$net" "$mode" \
        "$batch" --ocellus "$ocellus" --rounds "${ROUNDS:-5}" >>"$rows" ||
        echo "{\"net\": \"$net\", \"mode\": \"$mode\", \"batch\": $batch," \
            "\"failed\": true}" >>"$rows"
done

"$ocellus" devices --json 2>/dev/null |
    "$python" "$here/result.py" "$rows" "$result"
rm -f "$rows"
"$python" "$here/picture.py" "$result" "${result%.json}.svg"
