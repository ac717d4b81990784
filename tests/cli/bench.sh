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

# On a device without bfloat16 it is as before, and says so.
run bench lenet5 --seconds 0.1 --precision bf16 --json
ok "bench in bf16" [ "$code" -eq 0 ]
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
# 2 images x 6 x 28 x 28 numbers of 25 products and 26 sums.
ok "show counts operations" grep -qE '^c1 .* 2x6x28x28 +156 +480K ' "$here/out"
ok "show keeps within 80 columns" \
    awk 'length($0) > 80 { far = 1 } END { exit far }' "$here/out"
run show resnet20 --image 3x32x32 --json
ok "show: parameters of resnet20" [ "$(number parameters)" -gt 0 ]
run show resnet20 --svg "$here/net.svg" --dot "$here/net.dot"
ok "show draws" [ "$code" -eq 0 ]
# A rectangle for the page, one for each end, Add, Conv, pooling, Flatten, Gemm.
ok "show draws all boxes" [ "$(grep -c '<rect' "$here/net.svg")" -eq 36 ]
ok "no two boxes meet" awk -F'"' '/<rect x=/ {
    for (k = 0; k < n; k++)
        if ($2 < x[k] + w[k] && x[k] < $2 + $6 &&
            $4 < y[k] + h[k] && y[k] < $4 + $8)
            exit met = 1
    x[n] = $2; y[n] = $4; w[n] = $6; h[n++] = $8
} END { exit met || n != 35 }' "$here/net.svg"
ok "a box of three rows in the other form" \
    grep -q 'Conv 3x3\\nBatchNormalization\\nRelu\\n1x16x32x32"' "$here/net.dot"
exits 2 "a picture of no known form" show lenet5 --svg "$here/net.gif"

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
