#!/bin/sh
# onnx.sh - models that Ocellus writes are ONNX: onnx.checker accepts them and
# ONNX Runtime computes the same; see onnx_peer.py. OCELLUS_TEST_PYTHON names a
# Python that has both; without it, python3 is tried.
set -u
python=${OCELLUS_TEST_PYTHON-python3}
if ! "$python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null; then
    echo "skipped: $python has no onnx and onnxruntime" \
        "(OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
if ! "$OCELLUS" devices >/dev/null 2>&1; then
    echo "skipped: no OpenCL device"
    exit 77
fi
exec "$python" "$top_srcdir/tests/net/onnx_peer.py" \
    "$top_builddir/tests/net/onnx_model"
