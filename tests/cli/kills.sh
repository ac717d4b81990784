#!/bin/sh
# kills.sh - fifty kills at random moments of one training, which goes on each
# time, and ends with the bits of one that nobody disturbed.
. "$top_srcdir/tests/cli/common.sh"
need_device

recipe="lenet5 --data digits --limit 8000 --limit-test 100 --epochs 6 --batch 16
    --seed 6"
# shellcheck disable=SC2086 # words
run train $recipe --out "$here/whole"
ok "trains" [ "$code" -eq 0 ]

# Two of three are killed within half a second or so after the training wrote
# a checkpoint, however long that takes; the others while it starts.
under_way() {
    while jobs >"$here/jobs" && grep -q Running "$here/jobs"; do
        if [ -n "$(find "$here/killed/checkpoint" -newer "$here/start")" ]; then
            met=$((met + 1))
            return
        fi
        sleep 0.1
    done
}

met=0
again=
kills=0
broken=0
while [ $kills -lt 50 ]; do
    : >"$here/start"
    # shellcheck disable=SC2086 # words
    "$OCELLUS" train $recipe $again --checkpoint-minutes 0 \
        --out "$here/killed" >"$here/out" 2>"$here/err" &
    pid=$!
    [ $((kills % 3)) -eq 0 ] || under_way
    sleep "$(awk -v s="$$$kills" 'BEGIN { srand(s); print 0.6 * rand() }')"
    kill -KILL $pid 2>/dev/null
    code=0
    wait $pid || code=$?
    [ $code -eq 137 ] || [ $code -eq 0 ] || broken=$((broken + 1))
    [ -s "$here/killed/run.json" ] && again=--resume
    kills=$((kills + 1))
done 2>/dev/null
ok "most met a training under way ($met)" [ $met -ge 25 ]
ok "each start went on ($broken did not)" [ $broken -eq 0 ]
run train --resume --out "$here/killed" --checkpoint-minutes 5
ok "ends" [ "$code" -eq 0 ]
ok "the same model as without a kill" \
    cmp "$here/whole/model.onnx" "$here/killed/model.onnx"
finish
