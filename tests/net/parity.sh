#!/bin/sh
# parity.sh - PyTorch and Ocellus on the same weights and batches; see
# parity.py. A few steps; 50 in `make check-full`. OCELLUS_TEST_PYTHON names a
# Python that has PyTorch and torchvision; without it, python3 is tried.
set -u
python=${OCELLUS_TEST_PYTHON-python3}
if ! "$python" -c 'import torch, torchvision, numpy' 2>/dev/null; then
    echo "skipped: $python has no PyTorch with torchvision" \
        "(OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
if ! "$OCELLUS" devices >/dev/null 2>&1; then
    echo "skipped: no OpenCL device"
    exit 77
fi
# PyTorch's idle threads would spin on the cores that ours need.
OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY
failed=0
steps=2
test -n "${OCELLUS_TEST_FULL-}" && steps=50
compare() { # compare NET STEPS [SIDE BATCH] [literal]
    "$python" "$top_srcdir/tests/net/parity.py" \
        "$top_builddir/tests/net/parity" "$@" || failed=1
}
compare lenet5 50
compare charlstm 50 32 4
compare resnet20 $steps 8 4 literal
compare resnet20 $steps
compare mobilenetv2 $steps
exit $failed
