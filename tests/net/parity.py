"""parity.py - the same weights and batches through PyTorch and Ocellus.

    python3 parity.py DRIVER lenet5|resnet20|mobilenetv2 [STEPS [SIDE BATCH]]

DRIVER is tests/net/parity. lenet5 is trained (SGD, rate 0.01, batch 64) by
both from the same weights on the same batches; the losses of each step must
agree within 1e-3. The others are chaotic: in single precision PyTorch leaves
its own double-precision path after a few steps. So each step starts from
PyTorch's weights; the loss must agree within 1e-5, and the whole gradient be
no farther from PyTorch's in double precision than twice PyTorch's own in
single precision.

The latter holds at every step of small pictures (SIDE 8, BATCH 4 for
resnet20). With millions of activations it holds for the median over the steps:
a Relu whose input rounds to the other side of zero moves the whole gradient by
1e-3 or more, a thousand times all other rounding, and each engine meets a few
of them where the other does not. (PyTorch without oneDNN was 6.3 times as far
from double precision as PyTorch with it, in the first step of resnet20.)

Images are MNIST's and CIFAR-10's where OCELLUS_TEST_DATA holds them, noise
otherwise. Results are lines that begin with "ok" or "not ok".
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
        self.downsample = nn.Identity()
        if stride != 1 or before != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride, bias=False),
                nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
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
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def mobilenetv2():
    from torchvision.models import mobilenet_v2
    return mobilenet_v2(num_classes=10, dropout=0.0)


NETS = {"lenet5": (LeNet5, (1, 28, 28), 64), "resnet20": (ResNet20, (3, 32, 32),
        32), "mobilenetv2": (mobilenetv2, (3, 32, 32), 8)}


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


def flat(net):
    return torch.cat([p.grad.flatten().double()
                      for p in net.parameters()]).numpy()


def ocellus(driver, mode, name, shape, folder, steps):
    command = [driver, mode, name] + [str(k) for k in shape] + \
        ["10", folder, str(steps)]
    text = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return [float(line) for line in text.split()]


def verdict(good, text):
    print(("ok - " if good else "not ok - ") + text)
    return good


def size(name):
    make, shape, batch = NETS[name]
    if len(sys.argv) > 5:
        side, batch = int(sys.argv[4]), int(sys.argv[5])
        shape = shape[0], side, side
    return make, shape, batch


def train(driver, name, steps, folder):
    make, shape, batch = size(name)
    net, losses = make(), []
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    for k, (x, y) in enumerate(batches(shape, batch, steps)):
        first = states(net) if k == 0 else {}
        write_safetensors("%s/in-%d.safetensors" % (folder, k),
                          {"x": x, "labels": y, **first})
        losses.append(backward(net, x, y, torch.float32))
        optimizer.step()
    mine = ocellus(driver, "train", name, shape, folder, steps)
    worst = max(abs(a - b) / b for a, b in zip(mine, losses))
    return verdict(worst <= 1e-3, "%s: %d steps, loss %.4f to %.4f, largest "
                   "relative difference %.2g" %
                   (name, steps, losses[0], losses[-1], worst))


def compare_step(net, path, truth, single):
    """Distances of both single-precision gradients from the double one."""
    mine = read_safetensors(path)
    mine = numpy.concatenate([mine[k].ravel().astype("f8")
                              for k, _ in net.named_parameters()])
    size = numpy.linalg.norm(truth)
    return (numpy.linalg.norm(mine - truth) / size,
            numpy.linalg.norm(single - truth) / size)


def gradients(driver, name, steps, folder):
    make, shape, batch = size(name)
    net, exact, kept = make(), [], []
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    for k, (x, y) in enumerate(batches(shape, batch, steps)):
        write_safetensors("%s/in-%d.safetensors" % (folder, k),
                          {"x": x, "labels": y, **states(net)})
        double = copy.deepcopy(net).double()
        exact.append(backward(double, x, y, torch.float64))
        backward(net, x, y, torch.float32)
        kept.append((flat(double), flat(net)))
        optimizer.step()
    mine = ocellus(driver, "gradients", name, shape, folder, steps)
    worst = max(abs(a - b) / b for a, b in zip(mine, exact))
    far = [compare_step(net, "%s/out-%d.safetensors" % (folder, k), *pair)
           for k, pair in enumerate(kept)]
    for k, (a, b) in enumerate(far):
        print("# step %d: gradient %.2g, PyTorch's %.2g" % (k, a, b))
    good = verdict(worst <= 1e-5, "%s: %d steps from PyTorch's weights, loss "
                   "%.4f to %.4f, largest relative difference %.2g" %
                   (name, steps, exact[0], exact[-1], worst))
    twice = sum(a > 2 * b for a, b in far)
    mine, theirs = numpy.median(far, 0)
    near = mine <= 2 * theirs and (twice == 0 or batch > 4)
    return verdict(near, "%s: gradient within %.2g (median) of the double one, "
                   "PyTorch's within %.2g; nearer than PyTorch's in %d of %d "
                   "steps, more than twice as far in %d" %
                   (name, mine, theirs, sum(a < b for a, b in far), steps,
                    twice)) and good


def main():
    driver, name = sys.argv[1:3]
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    torch.manual_seed(0)
    work = train if name == "lenet5" else gradients
    with tempfile.TemporaryDirectory() as folder:
        return 0 if work(driver, name, steps, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
