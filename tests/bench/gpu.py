#!/usr/bin/env python3
"""What gpu.sh needs Python for: PyTorch's numbers, and one file of all.

    gpu.py torch BATCH [--small]     a JSON line a row
    gpu.py gather FOLDER RESULT.json
"""
import datetime
import json
import statistics
import sys
import time


def load(path):
    rows = []
    with open(path) as f:
        for line in f:
            try:
                rows.append(json.loads(line))
            except ValueError:
                rows.append({"unreadable": line.strip()})
    return rows


def gather(folder, result):
    try:
        devices = json.load(open(folder + "/devices"))["devices"]
    except (OSError, ValueError, KeyError):
        devices = []
    with open(result, "w") as f:
        json.dump({"date": datetime.datetime.now().isoformat("T", "minutes"),
                   "devices": devices, "rows": load(folder + "/rows")},
                  f, indent=1)
        f.write("\n")


def timed(torch, run, seconds):
    """The median time of a run, in seconds."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(took) < 3:
        begin = time.monotonic()
        run()
        torch.cuda.synchronize()
        took.append(time.monotonic() - begin)
    return statistics.median(took)


def products(torch, say, small):
    for size in (64, 96) if small else (4096, 8192):
        for type_ in (torch.float32, torch.bfloat16):
            a = torch.randn(size, size, device="cuda", dtype=type_)
            took = timed(torch, lambda: a @ a, 0.2 if small else 2)
            say("gemm %d %s" % (size, type_), milliseconds=1e3 * took,
                gflops=2e-9 * size ** 3 / took)


def nets(torch, say, batch, small):
    import torchvision
    for name in ("resnet50", "mobilenet_v2"):
        net = getattr(torchvision.models, name)().cuda()
        side = 64 if small else 224
        x = torch.randn(batch, 3, side, side, device="cuda")
        labels = torch.zeros(batch, dtype=torch.long, device="cuda")
        update = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

        def infer():
            with torch.no_grad():
                net(x)

        def train():
            update.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(net(x), labels).backward()
            update.step()

        for mode, run in (("inference", infer), ("training", train)):
            net.train(mode == "training")
            took = timed(torch, run, 0.2 if small else 5)
            say("%s %s" % (name, mode), images_per_second=batch / took)


def peers(batch, small):
    import torch
    if not torch.cuda.is_available():
        print(json.dumps({"torch": torch.__version__,
                          "failed": "this PyTorch sees no CUDA device"}))
        return

    # Single precision against single precision.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True

    def say(kernel, **numbers):
        print(json.dumps(dict(numbers, kernel=kernel,
                              torch=torch.__version__)), flush=True)

    products(torch, say, small)
    nets(torch, say, batch, small)


if __name__ == "__main__":
    if sys.argv[1] == "torch":
        peers(int(sys.argv[2]), "--small" in sys.argv)
    else:
        gather(sys.argv[2], sys.argv[3])
