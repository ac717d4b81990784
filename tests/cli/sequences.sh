#!/bin/sh
# sequences.sh - names by class, told apart by an ending that stands at another
# place in each, and a wave that is forecast better than by its last number.
. "$top_srcdir/tests/cli/common.sh"
need_device

mkdir "$here/names"
for class in a b; do
    for first in k l m n p r s t; do
        for second in ra ri ro lai loi nai noi tai toi skola; do
            echo "$first$second$class"
        done
    done >"$here/names/$class.txt"
done
run train namelstm --data "$here/names" --epochs 8 --batch 16 --json --quiet \
    --out "$here/n"
ok "names: trains" [ "$code" -eq 0 ]
accuracy=$(number accuracy)
ok "names: told apart: $accuracy" more "$accuracy" 0.9
run eval "$here/n/model.onnx" --data "$here/names" --json
ok "names: eval finds the training's accuracy" \
    [ "$(number accuracy)" = "$accuracy" ]

awk 'BEGIN { print "\"day\",\"height\""
    for (i = 0; i < 400; i++) printf "%d,%.4f\n", i, 50 + 10 * sin(i / 3) }' \
    >"$here/wave.csv"
run train serieslstm --data "$here/wave.csv" --sequence 12 --epochs 10 \
    --batch 16 --json --quiet --out "$here/w"
ok "series: trains" [ "$code" -eq 0 ]
rmse=$(number rmse)
naive=$(number naive_rmse)
# 10 * sin(x + 1/3) - 10 * sin(x): 20 * sin(1/6) * cos(...), root mean square.
ok "series: the last number is off by $naive" [ "${naive%.*}" -eq 2 ]
ok "series: RMSE $rmse is less than half of that" \
    more "$naive" "$(awk -v a="$rmse" 'BEGIN { print 2 * a }')"
run eval "$here/w/model.onnx" --data "$here/wave.csv" --batch 16 --json
ok "series: eval finds the same" [ "$(number rmse)" = "$rmse" ]
exits 5 "a table without numbers" train serieslstm \
    --data "$here/names/a.txt" --format series
finish
