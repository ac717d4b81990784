#!/bin/sh
# oclgrind.sh - the operator tests under Oclgrind (Price and McIntosh-Smith,
# IWOCL 2015), an OpenCL device that interprets kernels and knows of each byte
# who wrote it: reads and writes past a buffer's end, races between work-items.
# Once with the implementations for GPUs, once with those for CPUs.
#
# A long test: `make check-full`. By hand, also only some of them:
#
#     make check TESTS=tests/op/oclgrind.sh OCLGRIND_OPS="conv pad" \
#         OCLGRIND_CLASSES=cpu
#
# Its compiler crashes in two threads at once (so: one processor), its
# interpreter on what an optimiser makes of some kernels (so: none), and its
# --uninitialized on LLVM's `freeze`, which 21.10 does not know (so: without).
# CLBlast's kernels are CLBlast's matter and left out.
if ! command -v oclgrind >/dev/null 2>&1; then
    echo 'ok - # SKIP oclgrind is not installed (Debian: oclgrind)'
    exit 77
fi
log=$(mktemp) || exit 99
top_builddir=${top_builddir:-.}
trap 'rm -f "$log" "$log.out"' EXIT
# For one test of one class; it takes a tenth of that and less.
seconds=${OCLGRIND_SECONDS:-3600}
# Cases of more multiplications are left out where a test has such.
OCELLUS_TEST_SMALL=${OCELLUS_TEST_SMALL-150000}
export OCELLUS_TEST_SMALL

one=
if command -v taskset >/dev/null 2>&1; then
    one="taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')"
fi

tests() {
    if [ -n "$OCLGRIND_OPS" ]; then
        # shellcheck disable=SC2086 # words
        printf '%s\n' $OCLGRIND_OPS
        return
    fi
    for t in "$top_builddir"/tests/op/*; do
        case ${t##*/} in
        gemm_clblast | *.*) continue ;;
        esac
        [ -f "$t" ] && [ -x "$t" ] && echo "${t##*/}"
    done
}

failed=0
ran=0
for class in ${OCLGRIND_CLASSES:-gpu cpu}; do
    for t in $(tests); do
        : >"$log"
        code=0
        # shellcheck disable=SC2086 # words or nothing
        OCELLUS_CLASS=$class timeout "$seconds" $one oclgrind \
            --data-races --num-threads 1 --build-options -cl-opt-disable \
            --max-errors 5 --log "$log" \
            "$top_builddir/tests/op/$t" >"$log.out" 2>&1 || code=$?
        cases=$(grep '^ok' "$log.out" | grep -vc '# SKIP')
        left=$(grep -c '# SKIP' "$log.out")
        what="$class, $t: $cases checks right, $left left out"
        ran=$((ran + 1))
        if [ -s "$log" ]; then
            echo "not ok - $what; Oclgrind reports"
            sed 's/^/# /' "$log"
            failed=1
        elif [ $code -eq 124 ]; then
            echo "not ok - $what; no end within $seconds s"
            failed=1
        elif [ $code -eq 77 ] || { [ $code -eq 0 ] && [ "$cases" -eq 0 ]; }; then
            echo "not ok - $what: nothing ran"
            sed 's/^/# /' "$log.out" | tail -n 5
            failed=1
        elif [ $code -ne 0 ]; then
            echo "not ok - $what; it ends with $code"
            grep -v '^ok' "$log.out" | sed 's/^/# /' | tail -n 20
            failed=1
        else
            echo "ok - $what; nothing reported"
        fi
    done
done
if [ $ran -eq 0 ]; then
    echo 'not ok - there is no test to run: make check builds them'
    exit 99
fi
exit $failed
