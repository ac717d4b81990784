#!/bin/sh
# demo.sh - the demonstration, shortened, and its pictures.
. "$top_srcdir/tests/cli/common.sh"
need_device

run demo --limit 1280 --limit-test 200 --epochs 2 --out "$here/demo"
ok "demo" [ "$code" -eq 0 ]
ok "says what to look at" grep -q model.onnx "$here/out"
ok "leaves a model" [ -s "$here/demo/model.onnx" ]
if grep -q curves.png "$here/out"; then
    for picture in curves confusion sheet mistakes; do
        ok "$picture.png is a PNG" \
            sh -c "head -c 4 '$here/demo/$picture.png' | grep -q PNG"
    done
fi
ok "no escapes where it is no terminal" \
    sh -c "! grep -q '$(printf '\033')' '$here/out' '$here/err'"
finish
