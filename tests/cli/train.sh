#!/bin/sh
# train.sh - a training with all it leaves; eval and predict agree with it.
. "$top_srcdir/tests/cli/common.sh"
need_device

recipe="lenet5 --data digits --limit 1280 --limit-test 256 --epochs 2 --seed 3"
train() {
    # shellcheck disable=SC2086 # words
    run train $recipe --json "$@"
}

train --out "$here/a"
ok "trains" [ "$code" -eq 0 ]
accuracy=$(number accuracy)
ok "better than chance: $accuracy" more "$accuracy" 0.4
for file in model.onnx checkpoint run.json history.csv history.jsonl; do
    ok "leaves $file" [ -s "$here/a/$file" ]
done
ok "no file is left half written" \
    [ -z "$(find "$here/a" -name '*.tmp' -o -name '*~')" ]
ok "a row an epoch" [ "$(wc -l <"$here/a/history.csv")" -eq 3 ]

train --out "$here/b"
ok "the same seed gives the same bits" \
    cmp "$here/a/model.onnx" "$here/b/model.onnx"
train --out "$here/c" --seed 4
ok "another seed gives others" \
    [ "$(cksum <"$here/a/model.onnx")" != "$(cksum <"$here/c/model.onnx")" ]

run eval "$here/a/model.onnx" --data digits --limit-test 256 --seed 3 --json
ok "evaluates" [ "$code" -eq 0 ]
ok "eval finds the training's accuracy ($accuracy, $(number accuracy))" \
    [ "$(number accuracy)" = "$accuracy" ]
for key in precision recall f1 loss confusion; do
    ok "eval prints $key" grep -q "\"$key\": " "$here/out"
done

{
    printf "P5 28 28 255\n"
    for row in $(seq 28); do
        for column in $(seq 28); do
            [ "$column" -gt 12 ] && [ "$column" -lt 16 ] && [ "$row" -gt 4 ] &&
                [ "$row" -lt 24 ] && printf '\377' || printf '\0'
        done
    done
} >"$here/one.pgm"
run predict "$here/a/model.onnx" "$here/one.pgm" --top 10 --json
ok "predicts" [ "$code" -eq 0 ]
ok "ten answers" [ "$(grep -o '"probability"' "$here/out" | wc -l)" -eq 10 ]
sum=$(grep -o '"probability": [0-9.e-]*' "$here/out" |
    awk '{ sum += $2 } END { printf "%.4f", sum }')
ok "probabilities add up to 1 ($sum)" [ "$sum" = 1.0000 ]
printf 'zero\none\ntwo\n3\n4\n5\n6\n7\n8\n9\n' >"$here/names"
run predict "$here/a/model.onnx" "$here/one.pgm" --top 10 \
    --labels "$here/names"
ok "names from a file" grep -q 'zero' "$here/out"

run train lenet5 --data digits --limit 640 --limit-test 100 --epochs 1 \
    --optimizer "sgd lr=1e9" --out "$here/d" --quiet
ok "a loss that is no number is told" grep -q 'too large' "$here/err"
finish
