#!/bin/sh
# conformance.sh - ONNX's operator tests: what passed once passes for ever. In
# `make check` the first of three levels (what convolutional nets need), in
# `make check-full` all.
#
# The names that must pass are in tests/net/conformance-*.txt, a line each, in
# the form of the runner's --write-passed. OCELLUS_TEST_PYTHON names a Python
# with numpy; the suites and the runner lie under OCELLUS_TEST_DATA/onnx.
suites=$OCELLUS_TEST_DATA/onnx
python=${OCELLUS_TEST_PYTHON:-python3}
if [ -z "$OCELLUS_TEST_DATA" ] || [ ! -f "$suites/conformance.py" ]; then
    echo 'ok - # SKIP OCELLUS_TEST_DATA names no folder with ONNX tests'
    exit 77
fi
if ! "$python" -c 'import numpy' 2>/dev/null; then
    echo "ok - # SKIP $python has no numpy (OCELLUS_TEST_PYTHON names another)"
    exit 77
fi
case $OCELLUS in
/*) ocellus=$OCELLUS ;;
*) ocellus=$PWD/${OCELLUS:-ocellus} ;;
esac
failed=0
level=1
[ -z "$OCELLUS_TEST_FULL" ] || level=3
for suite in node-tests-visible extra-tests; do
    log=$(mktemp) || exit 99
    if "$python" "$suites/conformance.py" "$suites/$suite.tar.xz" \
        --scope "$suites/scope.txt" --level $level --atol 1e-5 --timeout 120 \
        --batch-cmd "$ocellus onnx-test --quiet --batch {list}" \
        --expect "$top_srcdir/tests/net/conformance-$suite.txt" \
        >"$log" 2>&1; then
        echo "ok - $suite, level $level: $(tail -n 1 "$log")"
    else
        echo "not ok - $suite, level $level: $(tail -n 1 "$log")"
        sed 's/^/# /' "$log" | tail -n 40
        failed=1
    fi
    rm -f "$log"
done
exit $failed
