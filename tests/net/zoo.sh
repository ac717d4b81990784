#!/bin/sh
# zoo.sh - pretrained models of OCELLUS_TEST_DATA find what they should: classes
# and boxes on photos, accuracies; see zoo.py. OCELLUS_TEST_PYTHON names a Python
# with numpy and PIL.
. "$top_srcdir/tests/cli/common.sh"
python=${OCELLUS_TEST_PYTHON-python3}
data=${OCELLUS_TEST_DATA-}/data
if [ ! -d "$data/models/onnx" ]; then
    echo "skipped: OCELLUS_TEST_DATA names no folder with pretrained models"
    exit 77
fi
if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
    echo "skipped: $python has no numpy and PIL" \
        "(OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
need_device
"$python" -W ignore "$top_srcdir/tests/net/zoo.py" "$OCELLUS" "$data" "$here"
