"""parity.py - the same weights and batches through PyTorch and Ocellus.

    python3 parity.py DRIVER lenet5|resnet20|mobilenetv2|charlstm
                      [STEPS [SIDE BATCH]] [literal]

DRIVER is tests/net/parity. lenet5 is trained (SGD, rate 0.01, batch 64) by
both from the same weights on the same batches; the losses of each step must
agree within 1e-3. So is charlstm, on BATCH sequences of SIDE characters; it has
no kinks, and its losses must agree within 1e-5. The others are chaotic: in single precision PyTorch leaves
its own double-precision path after a few steps. So each step starts from
PyTorch's weights; the loss must agree within 1e-5, and the whole gradient is
compared with PyTorch's in double precision.

A net of Relus is linear in pieces. Where a Relu's input is some 1e-7 of its
layer's size in double precision, rounding decides on which side of zero it
falls in single precision, in either engine; the gradient is then that of
the piece next door, 1e-4 to 1e-2 away, a thousand times all other rounding.
Neither engine is at fault: PyTorch meets as many. So the pieces on which each
engine stood are taken from the very step (looking at them must not move a bit
of the gradient), and at each step must hold:

  - each engine's gradient against the one in double precision *on the pieces
    that this engine stood on*: ours at most twice as far as PyTorch's;
  - the numbers behind the Relus against those in double precision, in the
    worst layer: ours at most twice as far as PyTorch's. This is the strict form
    of "rounds to the other side no more often";
  - with "literal": the same of the gradient on double precision's pieces. Held
    by small pictures (SIDE 8, BATCH 4 for resnet20), where hardly any number is
    that near to zero and the few there are fall alike.

Over all steps: numbers on another piece than in double precision, at most
twice PyTorch's and 8 more. That is a bound of statistics: where both engines
expect L of them, they are Poisson's, and L = 70 in 50 steps of resnet20. None
of them farther from its kink than 1e-3 of its layer's root mean square.

Images are MNIST's and CIFAR-10's, the text is Shakespeare's, where
OCELLUS_TEST_DATA holds them, noise otherwise. Results are lines that begin with "ok" or "not ok".
"""
import copy
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy
import torch
import torch.nn.functional as F
from torch import nn

TYPES = {"float32": "F32", "int64": "I64"}
DATA = os.path.join(os.environ.get("OCELLUS_TEST_DATA", ""), "data/datasets")


def write_safetensors(path, tensors):
    header, offset, parts = {}, 0, []
    for name, value in tensors.items():
        value = numpy.ascontiguousarray(value)
        end = offset + value.nbytes
        header[name] = {"dtype": TYPES[str(value.dtype)],
                        "shape": list(value.shape),
                        "data_offsets": [offset, end]}
        parts.append(value.tobytes())
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_safetensors(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(size)), f.read()
    out = {}
    for name, row in header.items():
        if name != "__metadata__":
            begin, end = row["data_offsets"]
            out[name] = numpy.frombuffer(
                data[begin:end], "<f4").reshape(row["shape"])
    return out


# ---- nets, with the names that Ocellus gives their parameters ---------------

class Kink(nn.Module):
    """Relu, or Clip(0, high). It remembers its input; told the piece (0 below,
    1 between, 2 above) of each number, it is that linear piece."""

    def __init__(self, high=None):
        super().__init__()
        self.high, self.piece, self.x = high, None, None

    def forward(self, x):
        self.x = x.detach()
        if self.piece is not None:
            flat = (self.piece == 2).to(x.dtype) * (self.high or 0)
            return torch.where(self.piece == 1, x, flat)
        return F.relu(x) if self.high is None else F.hardtanh(x, 0, self.high)

    def piece_of(self, x):
        piece = (x > 0).to(torch.uint8)
        return piece if self.high is None else piece + (x >= self.high)


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.f1, self.f2 = nn.Linear(400, 120), nn.Linear(120, 84)
        self.f3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2).flatten(1)
        return self.f3(F.relu(self.f2(F.relu(self.f1(x)))))


class Block(nn.Module):
    def __init__(self, before, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu1, self.relu2 = Kink(), Kink()
        self.downsample = nn.Identity()
        if stride != 1 or before != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride, bias=False),
                nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + self.downsample(x))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(16), Kink()
        self.layer1 = self.stage(16, 16, 1)
        self.layer2 = self.stage(16, 32, 2)
        self.layer3 = self.stage(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    @staticmethod
    def stage(before, channels, stride):
        return nn.Sequential(Block(before, channels, stride),
                             Block(channels, channels, 1),
                             Block(channels, channels, 1))

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def mobilenetv2():
    from torchvision.models import mobilenet_v2
    net = mobilenet_v2(num_classes=10, dropout=0.0)
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU6):
                setattr(parent, name, Kink(6.0))
    return net


class CharLstm(nn.Module):
    """Without dropout."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(CHARACTERS, 64)
        self.lstm1 = nn.LSTM(64, 256, batch_first=True)
        self.lstm2 = nn.LSTM(256, 256, batch_first=True)
        self.head = nn.Linear(256, CHARACTERS)

    def forward(self, x):
        return self.head(self.lstm2(self.lstm1(self.embedding(x))[0])[0])


def onnx_gates(value):
    """PyTorch's order i f c o as ONNX's i o f c."""
    i, f, c, o = numpy.split(value, 4)
    return numpy.concatenate([i, o, f, c])


def sequence_states(net):
    """The weights as Ocellus names and lays them."""
    states = {k: v.detach().numpy() for k, v in net.state_dict().items()}
    out = {"embedding.weight": states["embedding.weight"],
           "head.weight": states["head.weight"].T,
           "head.bias": states["head.bias"]}
    for name in ("lstm1", "lstm2"):
        part = {k: onnx_gates(states["%s.%s_l0" % (name, k)])
                for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        out[name + ".weight_ih"] = part["weight_ih"][None]
        out[name + ".weight_hh"] = part["weight_hh"][None]
        out[name + ".bias"] = numpy.concatenate(
            [part["bias_ih"], part["bias_hh"]])[None]
    return out


CHARACTERS = 65
NETS = {"lenet5": (LeNet5, (1, 28, 28), 64), "resnet20": (ResNet20, (3, 32, 32),
        32), "mobilenetv2": (mobilenetv2, (3, 32, 32), 8),
        "charlstm": (CharLstm, (CHARACTERS, 1, 64), 8)}


# ---- batches ----------------------------------------------------------------

def images(shape, count):
    """uint8 images and their labels; None where there is no such file."""
    try:
        if shape[0] == 1:
            with gzip.open(DATA + "/mnist/train-images-idx3-ubyte.gz") as f:
                x = f.read(16 + count * 784)[16:]
            with gzip.open(DATA + "/mnist/train-labels-idx1-ubyte.gz") as f:
                y = f.read(8 + count)[8:]
            rows = numpy.frombuffer(x, "u1"), numpy.frombuffer(y, "u1")
        else:
            with gzip.open(DATA + "/cifar10/data_batch_1.bin.gz") as f:
                row = numpy.frombuffer(f.read(count * 3073), "u1")
            row = row.reshape(-1, 3073)
            rows = row[:, 1:], row[:, 0]
        side = 28 if shape[0] == 1 else 32
        x = rows[0].reshape(-1, shape[0], side, side)
        return x[:, :, :shape[1], :shape[2]], rows[1]
    except OSError:
        return None, None


def batches(shape, batch, steps):
    x, y = images(shape, batch * steps)
    if x is None:
        print("# no images at %s: noise instead" % DATA)
        noise = numpy.random.default_rng(0)
        x = noise.integers(0, 256, (batch * steps,) + shape)
        y = noise.integers(0, 10, batch * steps)
    x = (x.astype("f4") - x.mean()) / x.std()
    for k in range(steps):
        at = numpy.arange(k * batch, (k + 1) * batch) % len(x)
        yield x[at].astype("f4"), y[at].astype("i8")


def windows(length, batch, steps):
    """Characters, and those that follow, batch x length."""
    path = os.path.join(DATA, "sequence/tinyshakespeare.txt")
    count = batch * length * steps + 1
    try:
        with open(path, "rb") as f:
            text = numpy.frombuffer(f.read(), "u1")
        numbers = numpy.unique(text, return_inverse=True)[1][:count]
    except OSError:
        print("# no text at %s: noise instead" % path)
        numbers = numpy.random.default_rng(0).integers(0, CHARACTERS, count)
    for at in range(0, count - 1, batch * length):
        x, y = (numbers[k:k + batch * length].reshape(batch, length)
                for k in (at, at + 1))
        yield x.astype("i8"), y.astype("i8")


# ---- both sides -------------------------------------------------------------

def states(net):
    return {k: v.detach().numpy() for k, v in net.state_dict().items()
            if "num_batches_tracked" not in k}


def backward(net, x, y, dtype):
    net.zero_grad()
    loss = F.cross_entropy(net(torch.from_numpy(x).to(dtype)),
                           torch.from_numpy(y))
    loss.backward()
    return loss.item()


def flat(gradients):
    return numpy.concatenate([numpy.asarray(g, "f8").ravel()
                              for g in gradients])


def gradient(net):
    return flat(p.grad for p in net.parameters())


def kinks(net):
    return [m for m in net.modules() if isinstance(m, Kink)]


def on_pieces(net, pieces, x, y):
    """The gradient in double precision, each Relu on the piece it is told."""
    double = copy.deepcopy(net).double()
    for kink, piece in zip(kinks(double), pieces):
        kink.piece = piece
    backward(double, x, y, torch.float64)
    return gradient(double)


class Ocellus:
    """The driver: a step on what the folder's files say."""

    def __init__(self, driver, mode, name, shape, folder, classes=10):
        self.folder = folder
        command = [driver, mode, name] + [str(k) for k in shape] + \
            [str(classes), folder]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def step(self, x, y, weights):
        write_safetensors(self.folder + "/in.safetensors",
                          {"x": x, "labels": y, **weights})
        self.child.stdin.write("step\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            sys.exit("not ok - the driver ended with %d" % self.child.wait())
        return float(line)

    def outputs(self):
        return read_safetensors(self.folder + "/out.safetensors")


def verdict(good, text):
    print(("ok - " if good else "not ok - ") + text, flush=True)
    return good


# ---- what is compared -------------------------------------------------------

def train(driver, name, net, folder, shape, batch, steps):
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    mine = Ocellus(driver, "train", name, shape, folder)
    losses, far, first = [], [], states(net)
    for x, y in batches(shape, batch, steps):
        loss = mine.step(x, y, first)
        first = {}
        losses.append(backward(net, x, y, torch.float32))
        far.append(abs(loss - losses[-1]) / losses[-1])
        optimizer.step()
    return verdict(max(far) <= 1e-3, "%s: %d steps, loss %.4f to %.4f, largest "
                   "relative difference %.2g" %
                   (name, steps, losses[0], losses[-1], max(far)))


def train_sequences(driver, name, net, folder, shape, batch, steps):
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    mine = Ocellus(driver, "train", name, shape, folder, CHARACTERS)
    losses, far, first = [], [], sequence_states(net)
    for x, y in windows(shape[2], batch, steps):
        loss = mine.step(x, y, first)
        first = {}
        net.zero_grad()
        theirs = F.cross_entropy(net(torch.from_numpy(x)).flatten(0, 1),
                                 torch.from_numpy(y).flatten())
        theirs.backward()
        optimizer.step()
        losses.append(theirs.item())
        far.append(abs(loss - losses[-1]) / losses[-1])
    return verdict(max(far) <= 1e-5, "%s: %d steps, loss %.4f to %.4f, largest "
                   "relative difference %.2g" %
                   (name, len(far), losses[0], losses[-1], max(far)))


class Engine:
    """What is seen of an engine, step by step."""

    def __init__(self):
        self.loss, self.literal, self.own = [], [], []
        self.flips, self.largest, self.forward = [], [], []

    def see(self, g, truth, g_own):
        self.literal.append(distance(g, truth))
        self.own.append(distance(g, g_own))

    def see_kinks(self, numbers, double):
        """Numbers on another piece than in double precision; how far from the
        kink they are there, relative to their layer's root mean square; how
        far all numbers behind the kinks are from double's, the worst layer."""
        count, largest, forward, pieces = 0, 0.0, 0.0, []
        for number, kink in zip(numbers, kinks(double)):
            x, y = kink.x, kink.x.clamp(0, kink.high)
            pieces.append(kink.piece_of(number))
            off = number.double().clamp(0, kink.high) - y
            forward = max(forward, float(off.norm() / y.norm()))
            flipped = pieces[-1] != kink.piece_of(x)
            count += int(flipped.sum())
            if flipped.any():
                at = x[flipped].abs()
                if kink.high:
                    at = torch.minimum(at, (x[flipped] - kink.high).abs())
                largest = max(largest, float(at.max() / x.square().mean()
                                             .sqrt()))
        self.flips.append(count)
        self.largest.append(largest)
        self.forward.append(forward)
        return pieces


def distance(g, truth):
    return numpy.linalg.norm(g - truth) / numpy.linalg.norm(truth)


def at_kinks(net, found):
    """What the driver saw: Relu's outputs or Clip's inputs."""
    out = []
    for k, kink in enumerate(kinks(net)):
        x = torch.from_numpy(found["kink:%d" % k].copy())
        if x.shape != kink.x.shape:
            sys.exit("not ok - kink %d is %s, not %s" %
                     (k, tuple(x.shape), tuple(kink.x.shape)))
        out.append(x)
    return out


class Comparison:
    def __init__(self, driver, name, net, folder, shape):
        self.net, self.name = net, name
        self.plain = Ocellus(driver, "gradients", name, shape, folder)
        self.shown = Ocellus(driver, "kinks", name, shape, folder)
        self.mine, self.theirs, self.exact = Engine(), Engine(), []
        self.same_bits = True

    def own_step(self, x, y):
        """Ours: gradient and pieces. Looking at the kinks moves no bit."""
        names = [k for k, _ in self.net.named_parameters()]
        weights = states(self.net)
        loss = self.plain.step(x, y, weights)
        plain = self.plain.outputs()
        seen = self.shown.step(x, y, weights)
        shown = self.shown.outputs()
        self.same_bits &= loss == seen and all(
            plain[k].tobytes() == shown[k].tobytes() for k in names)
        self.mine.loss.append(loss)
        return flat(plain[k] for k in names), shown

    def step(self, x, y):
        double = copy.deepcopy(self.net).double()
        mine, found = self.own_step(x, y)
        self.exact.append(backward(double, x, y, torch.float64))
        self.theirs.loss.append(backward(self.net, x, y, torch.float32))
        truth, theirs = gradient(double), gradient(self.net)
        seen = at_kinks(double, found), [k.x for k in kinks(self.net)]
        for engine, g, numbers in ((self.mine, mine, seen[0]),
                                   (self.theirs, theirs, seen[1])):
            pieces = engine.see_kinks(numbers, double)
            engine.see(g, truth, on_pieces(self.net, pieces, x, y)
                       if engine.flips[-1] else truth)
        print("# step %d: on its own pieces %.2g, PyTorch %.2g; on double's "
              "%.2g, PyTorch %.2g; other pieces %d (%.1g), PyTorch %d (%.1g)" %
              (len(self.exact) - 1, self.mine.own[-1], self.theirs.own[-1],
               self.mine.literal[-1], self.theirs.literal[-1],
               self.mine.flips[-1], self.mine.largest[-1],
               self.theirs.flips[-1], self.theirs.largest[-1]), flush=True)


def twice(mine, theirs):
    return sum(a > 2 * b for a, b in zip(mine, theirs))


def judge(c, literal):
    name, steps, mine, theirs = c.name, len(c.exact), c.mine, c.theirs
    off = max(abs(a - b) / b for a, b in zip(mine.loss, c.exact))
    off2 = max(abs(a - b) / b for a, b in zip(mine.loss, theirs.loss))
    far = twice(mine.literal, theirs.literal)
    ratio = max(a / b for a, b in zip(mine.own, theirs.own))
    forward = max(a / b for a, b in zip(mine.forward, theirs.forward))
    flips, most = sum(mine.flips), 2 * sum(theirs.flips) + 8
    size = max(mine.largest)
    return all([
        verdict(max(off, off2) <= 1e-5, "%s: %d steps from PyTorch's weights, "
                "loss %.4f to %.4f, largest relative difference %.2g from "
                "double precision, %.2g from PyTorch" %
                (name, steps, c.exact[0], c.exact[-1], off, off2)),
        verdict(c.same_bits, "%s: looking at the kinks moves no bit of loss "
                "and gradient" % name),
        verdict(ratio <= 2, "%s: on its own linear pieces, gradient within "
                "%.2g of double precision, PyTorch's within %.2g; at most "
                "%.2f times as far at each step" %
                (name, max(mine.own), max(theirs.own), ratio)),
        verdict(forward <= 2, "%s: numbers behind the kinks within %.2g of "
                "double precision, PyTorch's within %.2g; at most %.2f times "
                "as far at each step" %
                (name, max(mine.forward), max(theirs.forward), forward)),
        verdict(flips <= most and size <= 1e-3, "%s: %d numbers on another "
                "piece than in double precision, PyTorch %d; farthest from "
                "the kink %.2g of the layer's size, PyTorch %.2g" %
                (name, flips, sum(theirs.flips), size, max(theirs.largest))),
        verdict(not literal or far == 0, "%s: on double's pieces, nearer than "
                "PyTorch in %d of %d steps, more than twice as far in %d, "
                "PyTorch more than twice as far in %d%s" %
                (name, sum(a < b for a, b in zip(mine.literal, theirs.literal)),
                 steps, far, twice(theirs.literal, mine.literal),
                 "" if literal else " (not a test)"))])


def gradients(driver, name, net, folder, shape, batch, steps, literal):
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    comparison = Comparison(driver, name, net, folder, shape)
    for x, y in batches(shape, batch, steps):
        comparison.step(x, y)
        optimizer.step()
    return judge(comparison, literal)


def main():
    driver, name = sys.argv[1:3]
    literal = sys.argv[-1] == "literal"
    sizes = [int(k) for k in sys.argv[3:] if k.isdigit()]
    torch.manual_seed(0)
    make, shape, batch = NETS[name]
    steps = sizes[0] if sizes else 50
    if len(sizes) > 2:
        side = 1 if name == "charlstm" else sizes[1]
        shape, batch = (shape[0], side, sizes[1]), sizes[2]
    with tempfile.TemporaryDirectory() as folder:
        if name == "charlstm":
            return train_sequences(driver, name, make(), folder, shape, batch,
                                   steps)
        if name == "lenet5":
            return train(driver, name, make(), folder, shape, batch, steps)
        return gradients(driver, name, make(), folder, shape, batch, steps,
                         literal)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
