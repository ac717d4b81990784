#!/bin/sh
# refusals.sh - bad words, numbers, files and places, one of each kind: the exit
# code, a sentence that names what was wrong, and nothing lost.
. "$top_srcdir/tests/cli/common.sh"
need_device

# says WORDS: the sentence has them.
says() {
    ok "it says: $1" grep -qF -- "$1" "$here/err"
}

small="--data digits --limit 128 --limit-test 32 --epochs 1"
# shellcheck disable=SC2086 # words
train() {
    wanted=$1
    what=$2
    shift 2
    exits "$wanted" "$what" train lenet5 $small --out "$here/run" "$@"
}

train 0 "a small training"
kept=$(cksum <"$here/run/checkpoint")
history=$(cksum <"$here/run/history.csv")

for number in 0x10 inf nan '' 1e400; do
    train 2 "--clip '$number'" --clip "$number"
done
train 2 "an option of an optimizer without its number" --optimizer "sgd lr"
says "'lr' cannot be; it takes lr="
train 2 "an optimizer's number with a tail" --optimizer "sgd lr=0.1x"
train 2 "a schedule's number out of range" --schedule "step every=0"
says "every=EPOCHS (above 0)"
train 2 "a size that the net does not take" --augment crop=40
says "1 x 40 x 40"
train 2 "a precision that is none" --precision fp17
says "'fp17'"
train 2 "an unknown optimizer" --optimizer sgdd
train 2 "an unknown device" --device no-such-device
OCL_ICD_VENDORS="$here" train 3 "no device"
ok "the checkpoint that was there is there" \
    [ "$(cksum <"$here/run/checkpoint")" = "$kept" ]
ok "and its history" [ "$(cksum <"$here/run/history.csv")" = "$history" ]

exits 2 "no device between commas" bench lenet5 --device ,
OCELLUS_CLASS=tpu exits 2 "a class that is none" bench lenet5 --seconds 0
says "'tpu'"

: >"$here/file"
# shellcheck disable=SC2086 # words
exits 10 "--out that is a file" train lenet5 $small --out "$here/file"
says "no folder"

# pixel FILE: an image of one.
pixel() {
    printf 'P5 1 1 255\n%s' x >"$1"
}
model=$here/run/model.onnx
pixel "$here/x.pgm"
printf 'a\nb\n' >"$here/labels"
exits 5 "labels for some classes" predict "$model" "$here/x.pgm" \
    --labels "$here/labels"
says "has 2 names, but the model tells 10"
exits 2 "--std 0" predict "$model" "$here/x.pgm" --std 0
exits 2 "--mean nan" predict "$model" "$here/x.pgm" --mean nan

mkdir "$here/images" "$here/images/one"
for name in a b c d e; do
    pixel "$here/images/one/$name.pgm"
done
exits 5 "one class" train mlp --data "$here/images" --out "$here/one"
says "nothing can be told apart"

# idx NAME LABELS: images of a pixel, with the labels (in octal) of two.
idx() {
    printf '\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\1xx' >"$here/idx/$1-images-idx3-ubyte"
    printf '\0\0\10\1\0\0\0\2%b' "$2" >"$here/idx/$1-labels-idx1-ubyte"
}
mkdir "$here/idx"
idx train '\0000\0001'
idx t10k '\0000\0007'
exits 5 "a test label that no training image has" train mlp \
    --data "$here/idx" --out "$here/labels-run"
says "label 7 of test image 1"
idx train '\0000\0310'
idx t10k '\0000\0001'
exits 0 "a training label far from the others" train mlp \
    --data "$here/idx" --epochs 1 --out "$here/labels-run"
says "go up to 200, but only 2"

# Closed streams: what is printed must not end up in a file that is opened.
code=0
# shellcheck disable=SC2086 # words
"$OCELLUS" train lenet5 $small --out "$here/closed" >&- 2>&- <&- || code=$?
ok "closed streams: exit code 10" [ "$code" -eq 10 ]
exits 0 "and the model is whole" show "$here/closed/model.onnx"
exits 0 "and the checkpoint" train --resume --epochs 2 --out "$here/closed"
finish
