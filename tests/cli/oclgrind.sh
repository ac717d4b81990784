#!/bin/sh
# oclgrind.sh - the short check of `ocellus doctor` under Oclgrind, with the
# implementations for GPUs and then with those for CPUs: every memory access is
# looked at, and every number on an OpenCL that is not the system's own.
#
# A long test: `make check-full`. The operators' own tests, which have more and
# smaller cases, run under Oclgrind in tests/op/oclgrind.sh; why its options
# are what they are is said there.
#
# OCLGRIND_SECONDS is the limit for one class. A check that it cuts short has
# not passed: what was done until then is said.
if ! command -v oclgrind >/dev/null 2>&1; then
    echo 'ok - # SKIP oclgrind is not installed (Debian: oclgrind)'
    exit 77
fi
ocellus=${OCELLUS:-./ocellus}
log=$(mktemp) || exit 99
trap 'rm -f "$log" "$log.out"' EXIT
seconds=${OCLGRIND_SECONDS:-7200}

one=
if command -v taskset >/dev/null 2>&1; then
    one="taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')"
fi

failed=0
for class in ${OCLGRIND_CLASSES:-gpu cpu}; do
    : >"$log"
    code=0
    # shellcheck disable=SC2086 # words or nothing
    OCELLUS_LOG=debug OCELLUS_CLASS=$class timeout "$seconds" $one oclgrind \
        --data-races --num-threads 1 --build-options -cl-opt-disable \
        --max-errors 20 --log "$log" \
        "$ocellus" doctor --device oclgrind --quick >"$log.out" 2>&1 || code=$?
    cases=$(grep -c '^ocellus: doctor: .*: right$' "$log.out")
    what="$class: the doctor's short check, $cases right"
    if [ -s "$log" ]; then
        echo "not ok - $what; Oclgrind reports"
        sed 's/^/# /' "$log"
        failed=1
    elif [ $code -eq 124 ]; then
        echo "not ok - $what; no end within $seconds s"
        grep '^ocellus: doctor: ' "$log.out" | tail -n 1 | sed 's/^/# /'
        failed=1
    elif [ $code -ne 0 ] || [ "$cases" -eq 0 ]; then
        echo "not ok - $what; the doctor ends with $code"
        grep -v '^ocellus: ' "$log.out" | sed 's/^/# /' | tail -n 60
        failed=1
    else
        echo "ok - $what; nothing reported"
    fi
done
exit $failed
