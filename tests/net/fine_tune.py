"""fine_tune.py - models from elsewhere trained on, beside PyTorch.

    python3 fine_tune.py OCELLUS DATA [SEEDS [RECIPE]]

Three recipes, each with the seeds 1 to SEEDS (3), by `ocellus train` and by a
PyTorch twin that is written out here and takes its weights from the same file:
same images, batch, optimizer, epochs, and a last layer made anew.

    resnet20    cifar10_resnet20.onnx on 1,200 pictures of Fashion-MNIST's first
                eight classes, 2 epochs, judged by 1,000
    squeezenet  squeezenet1.1.onnx, made for batches of 1, its last layer alone
                (--freeze) on 150 pictures of CIFAR-10's first three classes made
                224 x 224, 4 epochs of Adam, judged by 150
    squeezenet-whole  the same with all layers, and with Adam's rate falling as
                half a cosine, judged by 300

SqueezeNet has no batch normalisation, and a Relu behind its last convolution.
With SGD's rate 0.002 and momentum 0.9 that Relu dies for some seeds, in PyTorch
on the same batches as well, and the loss stays at log 3; hence Adam.

The loss falls with each epoch, and the mean accuracy is at least PyTorch's less
2 points.
"""
import csv
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

RECIPES = {
    "resnet20": dict(net="resnet20", model="cifar10_resnet20.onnx", classes=8,
                     train=1200, test=1000, epochs=2, batch=32, side=32,
                     optimizer="sgd", lr=0.01),
    "squeezenet": dict(net="squeezenet", model="squeezenet1.1.onnx", classes=3,
                       train=150, test=150, epochs=4, batch=10, side=224,
                       optimizer="adam", lr=0.002, freeze=True),
    "squeezenet-whole": dict(net="squeezenet", model="squeezenet1.1.onnx",
                             classes=3, train=150, test=300, epochs=4, batch=10,
                             side=224, optimizer="adam", lr=0.0001,
                             schedule="cosine"),
}


# ---- pictures ------------------------------------------------------------------

def read_fashion(data, kind):
    folder = os.path.join(data, "data/datasets/fashion-mnist-20k", kind)
    x = gzip.open(folder + "-images-idx3-ubyte.gz").read()
    y = gzip.open(folder + "-labels-idx1-ubyte.gz").read()
    x = numpy.frombuffer(x, "u1", offset=16).reshape(-1, 1, 28, 28)
    x = numpy.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return x.repeat(3, 1), numpy.frombuffer(y, "u1", offset=8)


def read_cifar(data, kind):
    name = {"train": "data_batch_1", "t10k": "test_batch"}[kind]
    path = os.path.join(data, "data/datasets/cifar10", name + ".bin.gz")
    rows = numpy.frombuffer(gzip.open(path).read(), "u1").reshape(-1, 3073)
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]


def make_data(recipe, data, folder):
    read = read_fashion if recipe["net"] == "resnet20" else read_cifar
    sets = []
    for kind, count, part in (("train", recipe["train"], "train"),
                              ("t10k", recipe["test"], "test")):
        x, y = read(data, kind)
        kept = numpy.flatnonzero(y < recipe["classes"])[:count]
        x, y = x[kept], y[kept].astype("i8")
        numpy.save(os.path.join(folder, "x_%s.npy" % part), x)
        numpy.save(os.path.join(folder, "y_%s.npy" % part), y)
        sets.append((x, y))
    return sets


# ---- the twins ---------------------------------------------------------------

class Block(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3, o // i, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(o)
        self.more = (o - i) // 2

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        if self.more:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more, self.more))
        return F.relu(self.bn2(self.conv2(y)) + x)


class ResNet20(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16) for _ in range(3)])
        self.layer2 = nn.Sequential(Block(16, 32), Block(32, 32), Block(32, 32))
        self.layer3 = nn.Sequential(Block(32, 64), Block(64, 64), Block(64, 64))
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))

    def take(self, weights):
        own = self.state_dict()
        for name in own:
            if name in weights and not name.startswith("linear."):
                own[name].copy_(weights[name])
        nn.init.zeros_(self.linear.bias)


class SqueezeNet(nn.Module):
    FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192),
             (64, 256), (64, 256))

    def __init__(self, classes):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 64, 3, 2)])
        i = 64
        for s, e in self.FIRES:
            self.convs += [nn.Conv2d(i, s, 1), nn.Conv2d(s, e, 1),
                           nn.Conv2d(s, e, 3, padding=1)]
            i = 2 * e
        self.last = nn.Conv2d(i, classes, 1)

    def features(self, x):
        x = F.max_pool2d(F.relu(self.convs[0](x)), 3, 2)
        for k in range(8):
            s = F.relu(self.convs[3 * k + 1](x))
            x = torch.cat([F.relu(self.convs[3 * k + 2](s)),
                           F.relu(self.convs[3 * k + 3](s))], 1)
            if k in (1, 3):
                x = F.max_pool2d(x, 3, 2)
        return x

    def head(self, x):
        x = F.relu(self.last(F.dropout(x, 0.5, self.training)))
        return F.avg_pool2d(x, 13).flatten(1)

    def forward(self, x):
        return self.head(self.features(x))

    def take(self, weights):
        for k, conv in enumerate(self.convs):
            conv.weight.data.copy_(weights["squeezenet0_conv%d_weight" % k])
            conv.bias.data.copy_(weights["squeezenet0_conv%d_bias" % k])
        nn.init.zeros_(self.last.bias)
        nn.init.uniform_(self.last.weight, -512 ** -0.5, 512 ** -0.5)


def check_twin(net, model, side):
    """The twin without its new last layer is not the model; with the model's own
    one it must be."""
    import onnxruntime
    session = onnxruntime.InferenceSession(
        model, providers=["CPUExecutionProvider"])
    x = torch.randn(1, 3, side, side)
    theirs, = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        mine = net.eval()(x).numpy()
    assert abs(mine - theirs).max() <= 1e-4 * abs(theirs).max(), \
        "the PyTorch twin is another net"


def make_twin(recipe, model):
    name = recipe["net"]
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy())
               for t in onnx.load(model).graph.initializer}
    kind = {"resnet20": ResNet20, "squeezenet": SqueezeNet}[name]
    whole = kind(10 if name == "resnet20" else 1000)
    whole.take(weights)
    last = whole.linear if name == "resnet20" else whole.last
    prefix = "linear." if name == "resnet20" else "squeezenet0_conv25_"
    for part in ("weight", "bias"):
        getattr(last, part).data.copy_(weights[prefix + part])
    check_twin(whole, model, recipe["side"])
    net = kind(recipe["classes"])
    net.take(weights)
    return net


def optimizer_of(recipe, parameters):
    if recipe["optimizer"] == "adam":
        return torch.optim.Adam(parameters, recipe["lr"])
    return torch.optim.SGD(parameters, recipe["lr"], 0.9)


def schedule_of(recipe, step, steps):
    """Of all `steps`, after each of which it takes one of its own."""
    if recipe.get("schedule") == "cosine":
        return torch.optim.lr_scheduler.LambdaLR(
            step, lambda k: 0.5 * (1 + math.cos(math.pi * k / steps)))
    return torch.optim.lr_scheduler.LambdaLR(step, lambda k: 1.0)


def train_twin(recipe, model, sets, seed):
    """Its accuracy, and the mean loss of each epoch."""
    torch.manual_seed(seed)
    net = make_twin(recipe, model)
    (x, y), (test_x, test_y) = sets

    def resized(numbers):
        z = torch.from_numpy((numbers / 255.).astype("f4"))
        if recipe["side"] == 32:
            return z
        return F.interpolate(z, size=recipe["side"], mode="bilinear",
                             align_corners=False)

    std, mean = torch.std_mean(resized(x), (0, 2, 3), keepdim=True)

    def images(numbers):
        return (resized(numbers) - mean) / std

    def features(numbers):
        with torch.no_grad():
            return torch.cat([net.features(images(numbers[k:k + 25]))
                              for k in range(0, len(numbers), 25)])

    if recipe.get("freeze"):    # what is before the head stays as it is
        x, test_x = features(x), features(test_x)
        trained, model_of = net.last, net.head
    else:
        x, test_x = images(x), images(test_x)
        trained, model_of = net, net
    step = optimizer_of(recipe, trained.parameters())
    schedule = schedule_of(recipe, step, recipe["epochs"] *
                           math.ceil(len(x) / recipe["batch"]))
    losses = []
    for _ in range(recipe["epochs"]):
        net.train()
        losses.append(0)
        for rows in torch.randperm(len(x)).split(recipe["batch"]):
            step.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model_of(x[rows]), torch.from_numpy(y)[rows])
            loss.backward()
            step.step()
            schedule.step()
            losses[-1] += loss.item() * len(rows) / len(x)
    net.eval()
    with torch.no_grad():
        right = sum((model_of(test_x[k:k + 50]).argmax(1).numpy() ==
                     test_y[k:k + 50]).sum() for k in range(0, len(test_x), 50))
    return right / len(test_x), losses


# ---- ours ---------------------------------------------------------------------

def train_ours(ocellus, recipe, model, folder, seed):
    out = os.path.join(folder, "run")
    how = ["--optimizer", "%s lr=%g%s" %
           (recipe["optimizer"], recipe["lr"],
            " momentum=0.9" if recipe["optimizer"] == "sgd" else "")]
    if recipe.get("freeze"):
        how.append("--freeze")
    done = subprocess.run(
        [ocellus, "train", model, "--data", folder, "--epochs",
         str(recipe["epochs"]), "--batch", str(recipe["batch"]), "--schedule",
         recipe.get("schedule", "constant"), "--seed", str(seed), "--out", out,
         "--json", "--quiet", *how],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(os.path.join(out, "history.csv")) as rows:
        losses = [float(row["train_loss"]) for row in csv.DictReader(rows)]
    return json.loads(done)["accuracy"], losses


def in_words(losses):
    return " ".join("%.3f" % loss for loss in losses)


def try_recipe(name, ocellus, data, seeds):
    recipe = RECIPES[name]
    model = os.path.join(data, "data/models/onnx", recipe["model"])
    ours, theirs, falls = [], [], True
    with tempfile.TemporaryDirectory() as folder:
        sets = make_data(recipe, data, folder)
        for seed in range(1, seeds + 1):
            accuracy, losses = train_ours(ocellus, recipe, model, folder, seed)
            ours.append(100 * accuracy)
            theirs_now, their_losses = train_twin(recipe, model, sets, seed)
            theirs.append(100 * theirs_now)
            falls &= all(b < a for a, b in zip(losses, losses[1:]))
            print("# %s, seed %d: %.2f%%, PyTorch %.2f%%; loss %s, PyTorch's %s"
                  % (name, seed, ours[-1], theirs[-1], in_words(losses),
                     in_words(their_losses)), flush=True)
    good = falls and numpy.mean(ours) >= numpy.mean(theirs) - 2
    print("%s - %s: mean of %d seeds %.2f%%, PyTorch's %.2f%%; the loss %s"
          % ("ok" if good else "not ok", name, seeds, numpy.mean(ours),
             numpy.mean(theirs), "falls" if falls else "does not fall"), flush=True)
    return good


def main():
    ocellus, data = sys.argv[1:3]
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    names = sys.argv[4:] or list(RECIPES)
    return 0 if all([try_recipe(n, ocellus, data, seeds) for n in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
