#!/bin/sh
# convert.sh - models and weights from one kind of file into another. With
# OCELLUS_TEST_DATA, models that others trained too; needs no device.
. "$top_srcdir/tests/cli/common.sh"

run convert lenet5 "$here/a.onnx"
ok "a named net" [ "$code" -eq 0 ]
run convert "$here/a.onnx" "$here/a.safetensors"
ok "its weights" [ "$code" -eq 0 ]
run convert lenet5 "$here/b.onnx" --weights "$here/a.safetensors"
ok "the net with these weights" [ "$code" -eq 0 ]
ok "is the same model" cmp "$here/a.onnx" "$here/b.onnx"
run convert "$here/a.safetensors" "$here/b.safetensors"
ok "weights once more" cmp "$here/a.safetensors" "$here/b.safetensors"
run inspect "$here/b.onnx" --weights "$here/a.onnx"
ok "weights of another model" [ "$code" -eq 0 ]

cat >"$here/tiny.cfg" <<'END'
[net]
height=4
width=4
channels=1
[convolutional]
filters=2
size=3
pad=1
activation=leaky
[avgpool]
[softmax]
END
# Version 0.2.0, 640 images, and 2 + 2 * 9 numbers.
{
    printf '\0\0\0\0\2\0\0\0\0\0\0\0\200\2\0\0\0\0\0\0'
    head -c 80 /dev/zero
} >"$here/other.weights"
run convert "$here/tiny.cfg" "$here/tiny.onnx" --weights "$here/other.weights"
ok "Darknet, the numbers elsewhere" [ "$code" -eq 0 ]
ok "its sentence" grep -q 'nodes, 20 parameters' "$here/err"
cp "$here/other.weights" "$here/tiny.weights"
run convert "$here/tiny.weights" "$here/same.onnx"
ok "Darknet, by the numbers' name" cmp "$here/tiny.onnx" "$here/same.onnx"

exits 5 "weights of another net" convert lenet5 "$here/c.onnx" \
    --weights "$here/tiny.onnx"
exits 2 "another ending" convert lenet5 "$here/c.h5"
exits 2 "weights alone" convert "$here/a.safetensors" "$here/c.onnx"
exits 2 "one word" convert lenet5
exits 10 "nothing there" convert "$here/none.onnx" "$here/c.onnx"
ok "no file is left" [ ! -e "$here/c.onnx" ]

models=${OCELLUS_TEST_DATA-}/data/models
if [ -d "$models" ]; then
    for name in burn_mnist silero_vad_16k; do
        run convert "$models/safetensors/$name.safetensors" "$here/w.safetensors"
        ok "$name.safetensors, the same bytes" \
            cmp "$models/safetensors/$name.safetensors" "$here/w.safetensors"
    done
    run convert "$models/onnx/burn_mnist.onnx" "$here/x.onnx" \
        --weights "$models/safetensors/burn_mnist.safetensors"
    ok "burn_mnist.onnx with its weights" [ "$code" -eq 0 ]
    exits 5 "cifar.cfg with the weights of cifar_small" convert \
        "$models/darknet/cifar.cfg" "$here/c.onnx" \
        --weights "$models/darknet/cifar_small.weights"
else
    echo "# OCELLUS_TEST_DATA is not set: no models of others"
fi
finish
