#!/bin/sh
# fine_tune.sh - models from elsewhere trained on, as well as PyTorch does it;
# see fine_tune.py. OCELLUS_TEST_PYTHON names a Python with torch, onnx and
# onnxruntime, OCELLUS_TEST_DATA the folder with models and pictures. Arguments:
# seeds (3), recipes (all).
set -u
python=${OCELLUS_TEST_PYTHON-python3}
if ! "$python" -W ignore -c 'import onnx, onnxruntime, torch' 2>/dev/null; then
    echo "skipped: $python has no torch, onnx and onnxruntime" \
        "(OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
if [ ! -f "${OCELLUS_TEST_DATA-}/data/models/onnx/squeezenet1.1.onnx" ]; then
    echo "skipped: OCELLUS_TEST_DATA names no folder with models"
    exit 77
fi
if ! "$OCELLUS" devices >/dev/null 2>&1; then
    echo "skipped: no OpenCL device"
    exit 77
fi
exec "$python" -W ignore "$top_srcdir/tests/net/fine_tune.py" "$OCELLUS" \
    "$OCELLUS_TEST_DATA" "$@"
