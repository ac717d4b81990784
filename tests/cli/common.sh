# common.sh - what the tests of the command share: read by them, not run.
#
# Each check prints a line; the file ends with `finish`.
failed=0
here=$(mktemp -d "${TMPDIR:-/tmp}/ocellus-test.XXXXXX") || exit 99
trap 'rm -rf "$here"' EXIT
trap 'exit 99' INT TERM
unset OCELLUS_DEVICE

# ok WHAT COMMAND...: the command succeeds.
ok() {
    what=$1
    shift
    if "$@"; then
        echo "ok - $what"
    else
        echo "not ok - $what: $*"
        sed 's/^/# /' "$here/err" 2>/dev/null | head -5
        failed=1
    fi
}

# run ARGUMENTS...: the command; its output in $here/out, messages in
# $here/err, exit code in $code.
run() {
    code=0
    "$OCELLUS" "$@" >"$here/out" 2>"$here/err" || code=$?
}

# exits CODE WHAT ARGUMENTS...: the exit code, and one clear sentence.
exits() {
    wanted=$1
    what=$2
    shift 2
    run "$@"
    ok "$what: exit code $wanted" [ "$code" -eq "$wanted" ]
    [ "$wanted" -eq 0 ] ||
        ok "$what: a sentence" grep -q '^ocellus: .* ' "$here/err"
}

# number KEY: the first number of that name in the JSON of $here/out.
number() {
    sed -n "s/^[^\"]*.*\"$1\": *\(-\{0,1\}[0-9][0-9.e+-]*\).*/\1/p" \
        "$here/out" | head -1
}

# more A B: is A more than B?
more() {
    awk -v a="${1:-0}" -v b="$2" 'BEGIN { exit !(a + 0 > b + 0) }'
}

need_device() {
    "$OCELLUS" devices >/dev/null 2>&1 && return
    echo "no OpenCL device here"
    exit 77
}

finish() {
    exit $failed
}
