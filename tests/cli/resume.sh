#!/bin/sh
# resume.sh - a training that was killed, or interrupted, ends with the bits of
# one that was not.
. "$top_srcdir/tests/cli/common.sh"
need_device

recipe="lenet5 --data digits --limit 1600 --limit-test 100 --epochs 2 --batch 64
    --augment shift=2 --average 0.9 --seed 5 --quiet"
# shellcheck disable=SC2086 # words
run train $recipe --out "$here/whole"
ok "trains" [ "$code" -eq 0 ]

# stop SIGNAL FOLDER: begins a training and ends it after its first checkpoint.
stop() {
    # shellcheck disable=SC2086 # words
    "$OCELLUS" train $recipe --checkpoint-minutes 0 --out "$2" \
        >"$here/out" 2>"$here/err" &
    pid=$!
    tries=0
    while [ ! -s "$2/checkpoint" ] && [ $tries -lt 600 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill "-$1" $pid
    code=0
    wait $pid || code=$?
}

compare() {
    run train --resume --out "$2" --quiet --checkpoint-minutes 5
    ok "resumes after $1" [ "$code" -eq 0 ]
    ok "the same model after $1" \
        cmp "$here/whole/model.onnx" "$2/model.onnx"
    cut -d, -f1-9 "$here/whole/history.csv" >"$here/history"
    ok "the same history after $1" \
        sh -c "cut -d, -f1-9 '$2/history.csv' | cmp - '$here/history'"
}

stop KILL "$here/killed"
ok "was killed" [ "$code" -eq 137 ]
compare "a kill" "$here/killed"
stop INT "$here/stopped"
ok "Ctrl-C: exit code 7" [ "$code" -eq 7 ]
ok "Ctrl-C: says how to go on" grep -q -- '--resume' "$here/err"
compare "Ctrl-C" "$here/stopped"

dd if="$here/stopped/checkpoint" of="$here/killed/checkpoint" bs=1000 count=1 \
    2>/dev/null
exits 5 "a torn checkpoint" train --resume --out "$here/killed"
finish
