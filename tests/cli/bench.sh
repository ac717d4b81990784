#!/bin/sh
# bench.sh - what bench, show, cache and demo print and leave.
. "$top_srcdir/tests/cli/common.sh"
need_device

for mode in "" --train; do
    # shellcheck disable=SC2086 # none or one word
    run bench lenet5 --batch 4 $mode --seconds 0.2 --json
    ok "bench lenet5 $mode" [ "$code" -eq 0 ]
    for key in images_per_second first_result_seconds peak_memory_mb \
        device_memory_mb programs; do
        value=$(number $key)
        ok "$key is more than 0 (${value:-none})" more "$value" 0
    done
done

run bench lenet5 --seconds 0.1 --profile --trace "$here/trace.json"
ok "profile" [ "$code" -eq 0 ]
ok "a row for Conv" grep -qE '^Conv .*%' "$here/out"
ok "a trace" grep -q traceEvents "$here/trace.json"
run bench mlp --seconds 0.1 --device 0,0 --json
ok "two devices" [ "$code" -eq 0 ]
ok "their ratio" grep -q '"ratios": \[1.0, ' "$here/out"
exits 2 "an image that is none" bench lenet5 --image 3x3

run show lenet5 --why --batch 2
ok "show" [ "$code" -eq 0 ]
ok "show has 61706 parameters" grep -q '61706 parameters' "$here/out"

XDG_CACHE_HOME=$here/cache
export XDG_CACHE_HOME
run cache warm mlp
ok "cache warm" [ "$code" -eq 0 ]
run cache warm mlp --json
ok "warm the second time: nothing is built" [ "$(number built)" -eq 0 ]
exits 0 "cache list" cache list --json
exits 0 "cache clear" cache clear
printf 'no database, but long enough to be taken for one' \
    >"$here/cache/ocellus/cache.db"
run cache warm mlp
ok "a broken cache stops nothing" [ "$code" -eq 0 ]
chmod -R a-w "$here/cache"
run bench mlp --seconds 0.1
chmod -R u+w "$here/cache"
ok "nor does one that cannot be written" [ "$code" -eq 0 ]
finish
