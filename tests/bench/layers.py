#!/usr/bin/env python3
"""Each convolution of a net, three passes, beside PyTorch (oneDNN on CPUs).

    layers.py MODEL.train.onnx BATCH [RESULT.json] [--ocellus PROGRAM]
              [--rounds 3] [--threads N]

Ocellus trains the whole net and its profile tells what each convolution took:
forward (with what is fused into it), the gradient of the input, that of the
weights, packing of weights and clearing of borders included. PyTorch does the
same convolutions one by one, contiguous and channels_last; the faster counts.
Both in turn, medians over the rounds. A ratio above 1: Ocellus is faster.

Needs torch and onnx.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile
import time

PASSES = ("forward", "input gradient", "weight gradient")


def convolutions(path, batch):
    """Node name -> (input shape, weight shape, strides, pads, groups)."""
    import onnx
    model = onnx.load(path)
    for value in list(model.graph.input) + list(model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    model = onnx.shape_inference.infer_shapes(model)
    shape = {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim)
             for v in list(model.graph.value_info) + list(model.graph.input)}
    weight = {t.name: tuple(t.dims) for t in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        attr = {a.name: onnx.helper.get_attribute_value(a)
                for a in node.attribute}
        found[node.name] = (shape[node.input[0]], weight[node.input[1]],
                            tuple(attr.get("strides", (1, 1))),
                            tuple(attr.get("pads", (0, 0, 0, 0))[:2]),
                            attr.get("group", 1))
    return found


def ocellus_times(program, path, batch):
    """(node, pass) -> microseconds, of one run's profiled step."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace.json")
        subprocess.run([program, "bench", path, "--train", "--batch",
                        str(batch), "--seconds", "1", "--profile", "--trace",
                        trace, "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(trace) as f:
            events = json.load(f)["traceEvents"]
    passes = {"Conv": 0, "ConvGradInput": 1, "ConvGradWeight": 2}
    took = {}
    for event in events:
        if event.get("ph") == "X" and event["name"] in passes:
            key = (event["args"]["node"].split(":")[0], passes[event["name"]])
            took[key] = took.get(key, 0.0) + event["dur"]
    return took


def median_us(call, least=3, seconds=0.15):
    call()
    took, begin = [], time.perf_counter()
    while len(took) < least or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1e6)
    return statistics.median(took)


def torch_times(x_shape, w_shape, stride, pad, groups):
    """The three passes, microseconds."""
    import torch
    best = [math.inf] * 3
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(x_shape).to(memory_format=layout)
        w = torch.randn(w_shape).to(memory_format=layout)
        dy = torch.randn_like(torch.conv2d(x, w, None, stride, pad, 1, groups))

        def back(wants_x, wants_w):
            return torch.ops.aten.convolution_backward(
                dy, x, w, None, stride, pad, (1, 1), False, (0, 0), groups,
                (wants_x, wants_w, False))
        calls = (lambda: torch.conv2d(x, w, None, stride, pad, 1, groups),
                 lambda: back(True, False), lambda: back(False, True))
        best = [min(b, median_us(call)) for b, call in zip(best, calls)]
    return best


def mean(ratios):
    return round(math.exp(sum(map(math.log, ratios)) / len(ratios)), 3)


def kind(layer):
    w = layer["w"]
    if layer["groups"] > 1:
        return "depthwise"
    return f"{w[2]}x{w[3]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("batch", type=int)
    parser.add_argument("result", nargs="?")
    parser.add_argument("--ocellus", default="ocellus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    import torch
    torch.set_num_threads(given.threads)
    layers = convolutions(given.model, given.batch)
    ours, theirs = {}, {}
    for _ in range(given.rounds):
        for key, us in ocellus_times(given.ocellus, given.model,
                                     given.batch).items():
            ours.setdefault(key, []).append(us)
        for shape in set(layers.values()):
            theirs.setdefault(shape, []).append(torch_times(*shape))
    rows = []
    for shape, times in theirs.items():
        nodes = [n for n, s in layers.items() if s == shape]
        row = {"x": shape[0], "w": shape[1], "stride": shape[2][0],
               "groups": shape[4], "layers": len(nodes)}
        for k, name in enumerate(PASSES):
            us = [statistics.median(ours[n, k]) for n in nodes
                  if (n, k) in ours]
            peer = statistics.median(t[k] for t in times)
            if us:
                row[name] = {"ocellus_us": round(statistics.mean(us), 1),
                             "torch_us": round(peer, 1),
                             "ratio": round(peer / statistics.mean(us), 3)}
        rows.append(row)
    means = {}
    for name in PASSES:
        for which in sorted({kind(r) for r in rows}):
            ratios = [r[name]["ratio"] for r in rows
                      if name in r and kind(r) == which]
            if ratios:
                means[f"{name}, {which}"] = mean(ratios)
        means[name] = mean([r[name]["ratio"] for r in rows if name in r])
    result = {"model": os.path.basename(given.model), "batch": given.batch,
              "peer": "torch " + torch.__version__,
              "date": time.strftime("%Y-%m-%dT%H:%M"),
              "geometric_means": means, "layers": rows}
    for name, value in means.items():
        print(f"{name:32} {value:.2f}")
    if given.result:
        with open(given.result, "w") as f:
            json.dump(result, f, indent=1)
            f.write("\n")


main()
