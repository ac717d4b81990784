#!/bin/sh
# usage.sh - help, and what bad words, files and values come to.
. "$top_srcdir/tests/cli/common.sh"

run
ok "no command: exit code 2" [ "$code" -eq 2 ]
exits 0 "help" --help
ok "help has examples" grep -q 'ocellus train lenet5' "$here/out"
commands=$(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$here/out")
ok "help lists commands" [ "$(echo "$commands" | wc -w)" -ge 8 ]
exits 0 "version" --version
ok "version is a number" grep -q '^ocellus [0-9]*\.[0-9]' "$here/out"
for command in $commands; do
    exits 0 "$command --help" "$command" --help
    ok "$command is in the manual" grep -qE \
        "^\.(B|BI|BR) \"?$command\b" "$top_srcdir/src/cmd/ocellus.1"
    exits 2 "$command with an unknown option" "$command" --no-such-option
done

exits 2 "an unknown command" fly
exits 2 "an option without its value" train lenet5 --data
exits 2 "batch 0" train lenet5 --data digits --batch 0
exits 2 "batch x" train lenet5 --data digits --batch x
exits 2 "epochs 0" train lenet5 --data digits --epochs 0
exits 2 "an unknown net" train lenet6 --data digits --limit 10 --limit-test 10 \
    --out "$here/run"
ok "it names the nets" grep -q lenet5 "$here/err"
exits 2 "no data" train lenet5
exits 2 "predict without an image" predict model.onnx
exits 2 "a transform that is none" train lenet5 --data digits --augment flop \
    --out "$here/run"
exits 10 "a folder that is not there" train lenet5 --data "$here/none" \
    --out "$here/run"
exits 10 "a model that is not there" eval "$here/none.onnx" --data digits
exits 10 "nothing to resume" train --resume --out "$here/none"

mkdir "$here/torn"
printf '\0\0\10\3\0\0\0\5\0\0\0\34\0\0\0\34abc' \
    >"$here/torn/train-images-idx3-ubyte"
printf '\0\0\10\1\0\0\0\5\0\1\2\3\4' >"$here/torn/train-labels-idx1-ubyte"
exits 5 "a torn data set" train lenet5 --data "$here/torn" --out "$here/run"
printf 'no model' >"$here/torn.onnx"
exits 6 "a torn model" eval "$here/torn.onnx" --data digits

if [ -w /dev/full ]; then
    code=0
    "$OCELLUS" ops >/dev/full 2>"$here/err" || code=$?
    ok "a full disk: exit code 10" [ "$code" -eq 10 ]
fi
exits 0 "ops" ops --json
ok "ops knows Conv" grep -q '"name": "Conv"' "$here/out"

if "$OCELLUS" devices >/dev/null 2>&1; then
    exits 2 "an unknown device" bench lenet5 --device no-such-device
    exits 0 "devices" devices --json
    ok "a default device" grep -q '"default": true' "$here/out"
fi
code=0
OCL_ICD_VENDORS="$here/torn" "$OCELLUS" devices >"$here/out" 2>"$here/err" ||
    code=$?
ok "no device: exit code 3" [ "$code" -eq 3 ]
finish
