#!/bin/sh
# onnx_again.sh - what is read from ONNX and written again is ONNX and means
# the same; see onnx_again.py. OCELLUS_TEST_PYTHON names a Python with onnx and
# onnxruntime, OCELLUS_TEST_DATA the folder with models and operator tests.
set -u
python=${OCELLUS_TEST_PYTHON-python3}
if ! "$python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null; then
    echo "skipped: $python has no onnx and onnxruntime" \
        "(OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
if [ ! -f "${OCELLUS_TEST_DATA-}/onnx/node-tests-visible.tar.xz" ]; then
    echo "skipped: OCELLUS_TEST_DATA names no folder with ONNX tests"
    exit 77
fi
if ! "$OCELLUS" devices >/dev/null 2>&1; then
    echo "skipped: no OpenCL device"
    exit 77
fi
exec "$python" -W ignore "$top_srcdir/tests/net/onnx_again.py" \
    "$top_builddir/tests/net/onnx_again" "$OCELLUS" "$OCELLUS_TEST_DATA" \
    "$top_srcdir/tests/net/conformance-node-tests-visible.txt" "$@"
