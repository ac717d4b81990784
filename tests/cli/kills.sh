#!/bin/sh
# kills.sh - fifty kills at random moments of one training, which goes on each
# time, and ends with the bits of one that nobody disturbed.
. "$top_srcdir/tests/cli/common.sh"
need_device

recipe="lenet5 --data digits --limit 8000 --limit-test 100 --epochs 3 --batch 16
    --seed 6 --checkpoint-minutes 0"
# shellcheck disable=SC2086 # words
run train $recipe --out "$here/whole"
ok "trains" [ "$code" -eq 0 ]

# Two of three are killed within a second or so after the training got under way,
# however long that takes; the others while it starts.
under_way() {
    tries=0
    while ! grep -q '^net: ' "$here/err" && [ $tries -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}

again=
kills=0
broken=0
while [ $kills -lt 50 ]; do
    # shellcheck disable=SC2086 # words
    "$OCELLUS" train $recipe $again --out "$here/killed" \
        >"$here/out" 2>"$here/err" &
    pid=$!
    [ $((kills % 3)) -eq 0 ] || under_way
    sleep "$(awk -v s="$$$kills" 'BEGIN { srand(s); print 1.2 * rand() }')"
    kill -KILL $pid 2>/dev/null
    code=0
    wait $pid || code=$?
    [ $code -eq 137 ] || [ $code -eq 0 ] || broken=$((broken + 1))
    [ -s "$here/killed/run.json" ] && again=--resume
    kills=$((kills + 1))
done 2>/dev/null
ok "each start went on ($broken did not)" [ $broken -eq 0 ]
run train --resume --out "$here/killed" --checkpoint-minutes 5
ok "ends" [ "$code" -eq 0 ]
ok "the same model as without a kill" \
    cmp "$here/whole/model.onnx" "$here/killed/model.onnx"
finish
