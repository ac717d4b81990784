#!/bin/sh
# exported.sh - what PyTorch exports for training, trains on: the loss falls
# with each epoch on some pictures, and the model that comes of it is judged the
# same. OCELLUS_TEST_PYTHON names a Python with torch and onnx; OCELLUS_TEST_DATA
# the folder with pictures and with peers.py, which exports.
. "$top_srcdir/tests/cli/common.sh"
python=${OCELLUS_TEST_PYTHON-python3}
sets=${OCELLUS_TEST_DATA-}/data/datasets
peers=${OCELLUS_TEST_DATA-}/bench/peers.py
if [ ! -f "$peers" ] || [ ! -d "$sets/mnist" ]; then
    echo "skipped: OCELLUS_TEST_DATA names no folder with pictures and peers.py"
    exit 77
fi
if ! "$python" -W ignore -c 'import onnx, torch' 2>/dev/null; then
    echo "skipped: $python has no torch and onnx" \
        "(OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
need_device
"$python" -W ignore "$peers" export "$here" lenet5 lstm resnet20 squeezenet \
    >/dev/null 2>&1 || {
    echo "skipped: peers.py could not export"
    exit 77
}

# The net's name, data, pictures, rate of Adam; and what makes them fit. Without
# chance, so that a rate this small takes each epoch down: the same pictures are
# seen eight times.
while read -r net data count rate transform; do
    run train "$here/$net.train.onnx" --data "$sets/$data" --limit "$count" \
        --limit-test 16 --batch 8 --epochs 4 --optimizer "adam lr=$rate" \
        --schedule constant --transform "$transform" --out "$here/run" \
        --json --quiet </dev/null
    ok "$net trains" [ "$code" -eq 0 ]
    accuracy=$(number accuracy)
    losses=$(cut -d, -f3 "$here/run/history.csv" | tail -n +2 | tr '\n' ' ')
    # shellcheck disable=SC2086 # numbers
    ok "$net: the loss falls: $losses" awk 'BEGIN {
        for (k = 2; k < ARGC; k++)
            if (ARGV[k] >= ARGV[k - 1])
                exit 1
        exit ARGC != 5 }' $losses
    run eval "$here/run/model.onnx" --data "$sets/$data" --limit-test 16 \
        --json --quiet </dev/null
    ok "$net: the model is judged the same: $accuracy" \
        [ "$(number accuracy)" = "$accuracy" ]
done <<END
lenet5 mnist 64 0.001 resize=28
lstm mnist 64 0.0005 resize=32x256
resnet20 cifar10 64 0.001 resize=32
squeezenet cifar10 16 0.0002 resize=224
END
finish
