"""onnx_peer.py - the named nets, trained for some steps, as model files, for
onnx.checker and ONNX Runtime.

    python3 onnx_peer.py DRIVER

DRIVER is tests/net/onnx_model. Prints a line that begins with "ok" or "not
ok" for each net.
"""
import os
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

NETS = [("mlp", 1, 12, 6), ("lenet5", 1, 28, 6), ("resnet20", 3, 16, 6),
        ("squeezenet", 3, 32, 6), ("mobilenetv2", 3, 64, 6), ("unet", 1, 32, 6),
        ("charlstm", 65, 64, 0), ("namelstm", 84, 20, 0),
        ("serieslstm", 1, 24, 0)]  # name, channels, side, steps


def batch_of(name, channels, side):
    """Images; characters, of names filled up with 0; a series."""
    random = numpy.random.default_rng(0)
    if name == "serieslstm":
        return random.standard_normal((2, side, 1)).astype("f4")
    if not name.endswith("lstm"):
        return random.standard_normal((2, channels, side, side)).astype("f4")
    x = random.integers(1, channels, (4, side))
    if name == "namelstm":
        for row, length in enumerate((side, side // 2, 1, 5)):
            x[row, length:] = 0
    return x


def check(driver, name, channels, side, steps, folder):
    model = os.path.join(folder, name + ".onnx")
    out = os.path.join(folder, "y.npy")
    batch = os.path.join(folder, "x.npy")
    x = batch_of(name, channels, side)
    numpy.save(batch, x)
    losses = subprocess.run(
        [driver, name, str(channels), str(side), str(steps), batch, model, out],
        check=True, stdout=subprocess.PIPE).stdout.split()
    words = ""
    if steps:
        words = "trained from loss %.3g to %.3g; " % tuple(map(float, losses))
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"])
    theirs, = session.run(None, {session.get_inputs()[0].name: x})
    mine = numpy.load(out)
    far = abs(mine - theirs).max() / abs(theirs).max()
    good = mine.shape == theirs.shape and far < 1e-4
    print("%s - %s: %sonnx.checker accepts it; outputs within %.2g of ONNX "
          "Runtime's" % ("ok" if good else "not ok", name, words, far), flush=True)
    return good


def main():
    with tempfile.TemporaryDirectory() as folder:
        return 0 if all([check(sys.argv[1], *net, folder)
                         for net in NETS]) else 1


if __name__ == "__main__":
    sys.exit(main())
