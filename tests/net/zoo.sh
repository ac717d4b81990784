#!/bin/sh
# zoo.sh - pretrained models of OCELLUS_TEST_DATA find what they should: classes
# and boxes on photos and accuracies (zoo.py), speech in a minute of sound
# (silero.c). OCELLUS_TEST_PYTHON names a Python with numpy and PIL.
. "$top_srcdir/tests/cli/common.sh"
python=${OCELLUS_TEST_PYTHON-python3}
data=${OCELLUS_TEST_DATA-}/data
if [ ! -d "$data/models/onnx" ]; then
    echo "skipped: OCELLUS_TEST_DATA names no folder with pretrained models"
    exit 77
fi
need_device
"$top_builddir/tests/net/silero" "$data/models/onnx/silero_vad_16k_op15.onnx" \
    "$data/reference/silero_test.wav" \
    "$data/reference/silero_probs_16k_512.json" || failed=1
if "$python" -c 'import numpy, PIL' 2>/dev/null; then
    mkdir "$here/zoo"
    "$python" -W ignore "$top_srcdir/tests/net/zoo.py" "$OCELLUS" "$data" \
        "$here/zoo" || failed=1
else
    echo "ok - # SKIP $python has no numpy and PIL (OCELLUS_TEST_PYTHON names" \
        "another)"
fi
finish
