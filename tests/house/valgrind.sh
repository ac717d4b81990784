#!/bin/sh
# valgrind.sh - memcheck over the unit tests and a few operators: no read of
# what nobody wrote, none outside, nothing lost. Part of `make check-full`.
#
# Leaks and reports of OpenCL drivers are not ours: tests/valgrind.supp. Where
# memcheck does not know the processor's vector instructions (AVX-512), kernels
# compiled for it cannot run, and only tests that need no device do.
set -u
unit='arena status text type shape random file graph history metrics schedule
    thread pass plan safetensors onnx data_formats data_images data_transform
    data_loader device_select device_bind device_run draw'
op='shape slice reshape concat'

if ! command -v valgrind >/dev/null 2>&1; then
    echo "skipped: there is no valgrind"
    exit 77
fi
if grep -q '^OC_SANITIZER_CFLAGS = ..*' "$top_builddir/Makefile"; then
    echo "skipped: the address sanitizer is in this build, and looks itself"
    exit 77
fi
if grep -qs avx512 /proc/cpuinfo; then
    OCL_ICD_VENDORS=$top_builddir/no-drivers
    export OCL_ICD_VENDORS
    echo "# AVX-512: tests that need a device are left out"
fi

# One process, so that nothing is reported twice; slow, so without a limit.
CK_FORK=no
CK_TAP_LOG_FILE_NAME=/dev/null
CK_DEFAULT_TIMEOUT=0
export CK_FORK CK_TAP_LOG_FILE_NAME CK_DEFAULT_TIMEOUT
log=$(mktemp) || exit 99
trap 'rm -f "$log" "$log.tests"' EXIT
failed=0
ran=0

check() {
    test -x "$top_builddir/$1" || return 0
    code=0
    valgrind -q --error-exitcode=9 --leak-check=full \
        --errors-for-leak-kinds=definite --show-leak-kinds=definite \
        --suppressions="$top_srcdir/tests/valgrind.supp" --log-file="$log" \
        "$top_builddir/$1" >"$log.tests" 2>&1 || code=$?
    if [ $code -eq 77 ]; then
        echo "ok - $1 # SKIP it needs a device"
        return
    fi
    ran=$((ran + 1))
    if [ $code -eq 0 ] && ! [ -s "$log" ]; then
        echo "ok - $1"
    else
        echo "not ok - $1: exit code $code"
        sed 's/^/# /' "$log" | head -60
        grep '^not ok' "$log.tests" | head -5
        failed=1
    fi
}

for name in $unit; do
    check "tests/unit/$name"
done
for name in $op; do
    check "tests/op/$name"
done
if [ $ran -eq 0 ]; then
    echo "skipped: no test could run; is Check missing?"
    exit 77
fi
exit $failed
