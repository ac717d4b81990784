#!/bin/sh
# round_trip.sh - models that others made, read and written again, are the same
# models; see round_trip.py. OCELLUS_TEST_PYTHON names a Python with numpy, onnx
# and onnxruntime; models and operator tests lie under OCELLUS_TEST_DATA.
set -u
python=${OCELLUS_TEST_PYTHON-python3}
data=${OCELLUS_TEST_DATA-}
if [ -z "$data" ] || [ ! -d "$data/data/models/onnx" ]; then
    echo "skipped: OCELLUS_TEST_DATA names no folder with ONNX models"
    exit 77
fi
if ! "$python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null; then
    echo "skipped: $python has no onnx and onnxruntime" \
        "(OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
if ! "$OCELLUS" devices >/dev/null 2>&1; then
    echo "skipped: no OpenCL device"
    exit 77
fi
exec "$python" "$top_srcdir/tests/net/round_trip.py" \
    "$top_builddir/tests/net/onnx_rewrite" "$OCELLUS" "$data" \
    "$top_srcdir/tests/net/conformance-node-tests-visible.txt" \
    "$top_srcdir/tests/net/conformance-extra-tests.txt"
