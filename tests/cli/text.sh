#!/bin/sh
# text.sh - a character model learns a text that repeats itself, goes on after a
# stop with the same bits, and writes the text.
. "$top_srcdir/tests/cli/common.sh"
need_device

line="the quick brown fox jumps over the lazy dog; "
for row in $(seq 60); do
    printf '%s' "$line"
done >"$here/text"
recipe="charlstm --data $here/text --sequence 32 --batch 8 --seed 2 --quiet
    --epochs 6 --schedule constant"

# shellcheck disable=SC2086 # words
run train $recipe --optimizer "adam lr=0.01" --out "$here/a" --json
ok "trains" [ "$code" -eq 0 ]
loss=$(number loss)
ok "learns: $loss nats a character" more 0.5 "$loss"
run eval "$here/a/model.onnx" --data "$here/text" --json
ok "eval finds the training's loss ($loss, $(number loss))" \
    [ "$(number loss)" = "$loss" ]

# shellcheck disable=SC2086 # words
"$OCELLUS" train $recipe --optimizer "adam lr=0.01" --checkpoint-minutes 0 \
    --out "$here/b" >"$here/out" 2>"$here/err" &
pid=$!
tries=0
while [ ! -s "$here/b/checkpoint" ] && [ $tries -lt 600 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -INT $pid
wait $pid
run train --resume --out "$here/b" --quiet --checkpoint-minutes 5
ok "resumes" [ "$code" -eq 0 ]
ok "the same model after Ctrl-C" cmp "$here/a/model.onnx" "$here/b/model.onnx"

run generate "$here/a/model.onnx" --prompt "the quick " --temperature 0 \
    --length 60
ok "generates" [ "$code" -eq 0 ]
ok "has learnt the text" grep -q "^the quick brown fox jumps over" "$here/out"
cp "$here/out" "$here/first"
# What a prompt leaves behind is what the same text leaves that was written.
run generate "$here/a/model.onnx" --prompt "$(head -c 40 "$here/first")" \
    --temperature 0 --length 30
ok "goes on from where it stands" cmp "$here/first" "$here/out"
for seed in 1 1 2; do
    run generate "$here/a/model.onnx" --temperature 2 --top 20 --seed $seed
    cksum <"$here/out"
done >"$here/sums"
ok "the same seed writes the same, another another" \
    [ "$(sort -u "$here/sums" | wc -l)" -eq 2 ]
run generate "$here/a/model.onnx" --temperature 9 --top 1 --length 60 \
    --prompt "the quick "
ok "the top one alone leaves no choice" cmp "$here/first" "$here/out"
exits 2 "a character that is not known" generate "$here/a/model.onnx" \
    --prompt "THE"
exits 2 "a net of images on a text" train lenet5 --data "$here/text"
exits 2 "a net of texts on images" train charlstm --data digits --limit 100
finish
