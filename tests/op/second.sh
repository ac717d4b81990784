#!/bin/sh
# second.sh - the operator tests, the device's unit tests, the doctor and the
# demonstration on another OpenCL implementation than the system's own.
#
#     make check-full OCELLUS_TEST_ICD=/where/it/is/unpacked/vendors
#     make check TESTS=tests/op/second.sh OCELLUS_TEST_ICD=...
#
# OCELLUS_TEST_ICD is a folder of .icd files, one .icd file, or a driver's
# library; tests/README.md says where to get some. What else the driver wants
# (LD_LIBRARY_PATH, RUSTICL_ENABLE=llvmpipe ...) is set by the caller.
# SECOND_TESTS="op/conv unit/plan" runs only those, SECOND_SECONDS is the limit
# for one of them.
if [ -z "$OCELLUS_TEST_ICD" ]; then
    echo 'ok - # SKIP OCELLUS_TEST_ICD names no second OpenCL implementation' \
        '(tests/README.md says how to get one)'
    exit 77
fi
ocellus=${OCELLUS:-./ocellus}
seconds=${SECOND_SECONDS:-1800}
here=$(mktemp -d) || exit 99
top_builddir=${top_builddir:-.}
trap 'rm -rf "$here"' EXIT
unset OCELLUS_DEVICE OCELLUS_CLASS

# The loader of Debian takes a folder, a file or a library, Khronos' a folder.
case $OCELLUS_TEST_ICD in
*.icd)
    mkdir "$here/vendors"
    cp "$OCELLUS_TEST_ICD" "$here/vendors/second.icd" || exit 99
    OCL_ICD_VENDORS=$here/vendors
    ;;
*.so | *.so.*)
    mkdir "$here/vendors"
    echo "$OCELLUS_TEST_ICD" >"$here/vendors/second.icd"
    OCL_ICD_VENDORS=$here/vendors
    ;;
*)
    OCL_ICD_VENDORS=$OCELLUS_TEST_ICD
    ;;
esac
export OCL_ICD_VENDORS

if ! "$ocellus" devices >"$here/out" 2>&1; then
    echo "not ok - $OCELLUS_TEST_ICD brings no device"
    sed 's/^/# /' "$here/out"
    exit 1
fi
sed 's/^/# /' "$here/out"

tests() {
    if [ -n "$SECOND_TESTS" ]; then
        # shellcheck disable=SC2086 # words
        printf '%s\n' $SECOND_TESTS
        return
    fi
    for t in "$top_builddir"/tests/op/* "$top_builddir"/tests/unit/device_* \
        "$top_builddir"/tests/unit/doctor; do
        case ${t##*/} in
        *.*) continue ;;
        esac
        [ -f "$t" ] && [ -x "$t" ] && echo "${t#"$top_builddir/tests/"}"
    done
}

failed=0
total=0
bad=0
left=0

# run WHAT COMMAND...: its single checks are counted; what they say is shown
# where they failed.
run() {
    what=$1
    shift
    code=0
    timeout "$seconds" "$@" >"$here/out" 2>&1 || code=$?
    skips=$(grep -c '^ok.*# *SKIP' "$here/out")
    right=$(($(grep -c '^ok' "$here/out") - skips))
    wrong=$(grep -c '^not ok' "$here/out")
    total=$((total + right))
    bad=$((bad + wrong))
    left=$((left + skips))
    line="$what: $right right, $wrong wrong, $skips left out"
    if [ $code -eq 0 ] && [ "$wrong" -eq 0 ]; then
        echo "ok - $line"
    elif [ $code -eq 77 ]; then
        echo "ok - $line # SKIP"
    else
        [ $code -ne 124 ] || line="$line; no end within $seconds s"
        echo "not ok - $line; exit code $code"
        grep -v '^ok' "$here/out" | head -n 40 | sed 's/^/# /'
        failed=1
    fi
}

for t in $(tests); do
    run "$t" "$top_builddir/tests/$t"
done
if [ -z "$SECOND_TESTS" ]; then
    for class in cpu gpu; do
        OCELLUS_CLASS=$class
        export OCELLUS_CLASS
        run "doctor as on a $class" "$ocellus" doctor
    done
    unset OCELLUS_CLASS
    run "demo" "$ocellus" demo --limit 640 --limit-test 200 --epochs 1 \
        --out "$here/demo"
fi
echo "# all: $total right, $bad wrong, $left left out"
exit $failed
