#!/bin/sh
# oclgrind.sh - kernels under Oclgrind (Price and McIntosh-Smith, IWOCL 2015),
# an OpenCL device that interprets them and knows of each byte who wrote it:
# reads and writes past a buffer's end, races between work-items. (Its
# --uninitialized stops at LLVM's `freeze`, which 21.10 does not know.)
# `ocellus doctor` runs the implementations for GPUs and
# then those for CPUs, which also checks their numbers on a second OpenCL.
#
# A minute at most each; OCELLUS_TEST_FULL=1 runs the whole doctor.
if ! command -v oclgrind >/dev/null 2>&1; then
    echo 'ok - # SKIP oclgrind is not installed (Debian: oclgrind)'
    exit 77
fi
ocellus=${OCELLUS:-./ocellus}
log=$(mktemp) || exit 99
trap 'rm -f "$log" "$log.out"' EXIT
how=--quick
seconds=60
if [ -n "$OCELLUS_TEST_FULL" ]; then
    how=
    seconds=3600
fi

# Its compiler crashes in two threads at once: one processor, one thread.
one=
if command -v taskset >/dev/null 2>&1; then
    one="taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')"
fi

failed=0
for class in gpu cpu; do
    : >"$log"
    # shellcheck disable=SC2086 # words or nothing
    OCELLUS_CLASS=$class timeout "$seconds" $one oclgrind \
        --data-races --max-errors 20 --log "$log" \
        "$ocellus" doctor --device oclgrind $how >"$log.out" 2>&1
    code=$?
    if [ -s "$log" ]; then
        echo "not ok - $class: Oclgrind reports"
        sed 's/^/# /' "$log"
        failed=1
    elif [ "$code" -eq 124 ]; then
        echo "ok - $class: nothing reported within $seconds s"
    elif [ "$code" -ne 0 ]; then
        echo "not ok - $class: the doctor ends with $code"
        sed 's/^/# /' "$log.out"
        failed=1
    else
        echo "ok - $class: nothing reported"
    fi
done
exit $failed
