"""zoo.py OCELLUS DATA FOLDER - what pretrained models see on photos: classes,
boxes and scores are those that ONNX Runtime's outputs gave, OpenCV's for
Darknet and Caffe, by the same steps before and after. DATA holds models,
photos, labels and reference."""
import gzip
import json
import os
import shutil
import struct
import subprocess
import sys

import numpy
from PIL import Image

ocellus, data, folder = sys.argv[1:]
failed = False


def say(good, text):
    global failed
    failed |= not good
    print("%s - %s" % ("ok" if good else "not ok", text))


def photo(name):
    """By a name without its ending too."""
    names = sorted(os.listdir(data + "/photos"))
    name, = [n for n in names if n == name or os.path.splitext(n)[0] == name]
    return Image.open(data + "/photos/" + name).convert("RGB")


def run(model, x):
    """The outputs, by name."""
    for name in os.listdir(folder):
        if name.endswith(".npy"):
            os.unlink(folder + "/" + name)
    numpy.save(folder + "/x.npy", numpy.ascontiguousarray(x, "f4"))
    if "/" not in model:
        model = "onnx/" + model + ".onnx"
    subprocess.run([ocellus, "run", data + "/models/" + model,
                    "--input", folder + "/x.npy", "--output-dir", folder,
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)
    os.unlink(folder + "/x.npy")
    return {n[:-4]: numpy.load(folder + "/" + n)
            for n in os.listdir(folder) if n.endswith(".npy")}


def names(file):
    with open(data + "/labels/" + file) as lines:
        return [line.strip() for line in lines]


def chw(image):
    return numpy.asarray(image, "f4").transpose(2, 0, 1)[None]


# ---- classes ---------------------------------------------------------------

def classify(image):
    """The shorter side 256, the middle 224 x 224, ImageNet's statistics."""
    scale = 256 / min(image.size)
    image = image.resize([round(side * scale) for side in image.size],
                         Image.BILINEAR)
    x, y = ((side - 224) // 2 for side in image.size)
    image = numpy.asarray(image)[y:y + 224, x:x + 224] / 255.0
    image = (image - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    y, = run("squeezenet1.1", chw(image)).values()
    e = numpy.exp(y[0] - y.max())
    return e / e.sum()


def classes():
    with open(data + "/reference/squeezenet1.1_top5_dev.json") as file:
        wanted = json.load(file)
    first = tops = far = 0
    for name, rows in wanted.items():
        p = classify(photo(name))
        first += p.argmax() == rows[0][0]
        tops += len(set(p.argsort()[-5:]) & {row[0] for row in rows})
        far = max(far, max(abs(p[row[0]] - row[2]) for row in rows))
    say(first == len(wanted) and tops == 5 * first and far < 1e-3,
        "squeezenet1.1: the class of %d of %d photos, %d of the five best of "
        "each, probabilities within %.2g" % (first, len(wanted), tops, far))


# ---- boxes -----------------------------------------------------------------

def keep(boxes, scores, kinds, overlap):
    """Those that no better one of their kind covers by more than `overlap`."""
    order, kept = list(numpy.argsort(-scores, kind="stable")), []
    while order:
        i = order.pop(0)
        kept.append(i)
        a = boxes[i]
        rest = []
        for j in order:
            b = boxes[j]
            w = min(a[2], b[2]) - max(a[0], b[0])
            h = min(a[3], b[3]) - max(a[1], b[1])
            both = max(w, 0) * max(h, 0)
            either = ((a[2] - a[0]) * (a[3] - a[1]) +
                      (b[2] - b[0]) * (b[3] - b[1]) - both)
            if kinds[i] != kinds[j] or both <= overlap * either:
                rest.append(j)
        order = rest
    return kept


def yolox(image):
    side = 416
    scale = side / max(image.size)
    small = image.resize([int(s * scale) for s in image.size], Image.BILINEAR)
    page = numpy.full((side, side, 3), 114, "u1")
    page[:small.size[1], :small.size[0]] = numpy.asarray(small)[:, :, ::-1]
    y = run("yolox_nano", chw(page))["output"][0]
    cells = []
    for step in (8, 16, 32):
        v, u = numpy.mgrid[:side // step, :side // step]
        cells.append(numpy.stack([u.ravel(), v.ravel(),
                                  numpy.full(u.size, step)], 1))
    cells = numpy.concatenate(cells)
    middle = (y[:, :2] + cells[:, :2]) * cells[:, 2:]
    size = numpy.exp(y[:, 2:4]) * cells[:, 2:]
    boxes = numpy.concatenate([middle - size / 2, middle + size / 2], 1)
    return boxes / scale, y[:, 4:5] * y[:, 5:]


def fastestdet(image):
    w, h = image.size
    x = numpy.asarray(image.resize((352, 352), Image.BILINEAR))
    x = x[:, :, ::-1] / 255.0
    y, = run("FastestDet", chw(x)).values()
    y = y[0].reshape(85, -1)
    v, u = (c.ravel() for c in numpy.mgrid[:22, :22])
    size = [1 / (1 + numpy.exp(-y[k])) for k in (3, 4)]
    middle = [(numpy.tanh(y[1]) + u) / 22, (numpy.tanh(y[2]) + v) / 22]
    boxes = numpy.stack([(middle[0] - size[0] / 2) * w,
                         (middle[1] - size[1] / 2) * h,
                         (middle[0] + size[0] / 2) * w,
                         (middle[1] + size[1] / 2) * h], 1)
    return boxes, (y[0] ** 0.6 * y[5:] ** 0.4).T


def ultraface(image):
    w, h = image.size
    x = numpy.asarray(image.resize((320, 240), Image.BILINEAR), "f4")
    y = run("ultraface_version-RFB-320", chw((x - 127) / 128))
    return y["boxes"][0] * [w, h, w, h], y["scores"][0, :, 1:]


def sample(image, width, height):
    """As OpenCV makes images smaller: from the four nearest pixels alone."""
    x = numpy.asarray(image, "f4")
    for axis, size in ((0, height), (1, width)):
        n = x.shape[axis]
        at = ((numpy.arange(size) + 0.5) * n / size - 0.5).clip(0, n - 1)
        low = at.astype("i4").clip(0, n - 2)
        part = (at - low).astype("f4")
        part = part[:, None, None] if axis == 0 else part[None, :, None]
        x = (x.take(low, axis) * (1 - part) + x.take(low + 1, axis) * part)
    return numpy.rint(x)


def best(scores):
    """Of the kinds of a box the best alone."""
    return scores * (scores == scores.max(1, keepdims=True))


def yolo(image):
    w, h = image.size
    y = run("darknet/yolo-fastest-1.1.cfg", chw(sample(image, 320, 320) / 255))
    y = numpy.concatenate([y[name][0] for name in sorted(y)])
    boxes = numpy.concatenate([y[:, :2] - y[:, 2:4] / 2,
                               y[:, :2] + y[:, 2:4] / 2], 1)
    return boxes * [w, h, w, h], best(y[:, 5:])


def facemask(image):
    """Four boxes a cell of five maps, as fractions of the image."""
    w, h = image.size
    x = sample(image, 260, 260)[:, :, ::-1] / 255
    y = run("caffe/face_mask_detection.prototxt", chw(x))
    cells = numpy.array([
        ((u + 0.5) / n, (v + 0.5) / n, side * wide ** 0.5, side / wide ** 0.5)
        for n, a, b in ((33, 0.04, 0.056), (17, 0.08, 0.11), (9, 0.16, 0.22),
                        (5, 0.32, 0.45), (3, 0.64, 0.72))
        for v in range(n) for u in range(n)
        for side, wide in ((a, 1), (b, 1), (a, 0.62), (a, 0.42))])
    t = y["loc_branch_concat"][0] * [0.1, 0.1, 0.2, 0.2]
    middle = t[:, :2] * cells[:, 2:] + cells[:, :2]
    size = numpy.exp(t[:, 2:]) * cells[:, 2:]
    boxes = numpy.concatenate([middle - size / 2, middle + size / 2], 1)
    return boxes * [w, h, w, h], best(y["cls_branch_concat"][0])


def detect(see, image, least, overlap, labels, apart):
    """Boxes of other kinds may cover one where kinds are apart."""
    boxes, scores = see(image)
    which, kinds = numpy.nonzero(scores > least)
    boxes, scores = boxes[which], scores[which, kinds]
    return [(labels[kinds[i]], scores[i], boxes[i])
            for i in keep(boxes, scores, kinds * apart, overlap)]


def is_among(rows, near, label, score, box):
    return any(label == row[0] and abs(score - row[1]) < near[0] and
               max(abs(box - row[2])) < near[1] for row in rows)


def find(model, see, least, overlap, labels, apart=True, near=(1e-3, 0.2)):
    """`near`: how far scores and corners, in pixels, may be off."""
    with open(data + "/reference/detections_dev.json") as file:
        wanted = json.load(file)[model]
    for name, rows in wanted.items():
        if see is facemask:  # corner and size
            rows = [(label, score, (x, y, x + w, y + h))
                    for label, score, (x, y, w, h) in rows]
        got = detect(see, photo(name), least, overlap, labels, apart)
        same = sum(is_among(rows, near, *found) for found in got)
        say(same == len(got) == len(rows),
            "%s, %s: %d boxes, %d of %d with label, score and place" % (
                model, name, len(got), same, len(rows)))


def boxes():
    """The last two are OpenCV's, whose images are smaller by its own rules;
    YOLO's corners and sizes were cut to whole numbers."""
    coco = names("coco.names")
    find("yolox_nano", yolox, 0.35, 0.45, coco)
    find("FastestDet", fastestdet, 0.5, 0.45, coco)
    find("ultraface_version-RFB-320.onnx", ultraface, 0.7, 0.5, ["face"])
    find("yolo-fastest-1.1", yolo, 0.3, 0.45, coco, False, (0.01, 2.5))
    find("face_mask_detection.caffemodel", facemask, 0.5, 0.4,
         ["mask", "nomask"], False, (0.01, 0.5))


# ---- accuracy --------------------------------------------------------------

def cut(name, also, header, size, count):
    """The first `count` records of a file, as test and as training set."""
    os.makedirs(folder + "/cut", exist_ok=True)
    with gzip.open(data + "/datasets/" + name + ".gz") as file:
        part = file.read(header + size * count)
    if header:  # IDX: the number of records comes after four bytes
        part = part[:4] + struct.pack(">I", count) + part[8:]
    for to in (os.path.basename(name), also):
        with open(folder + "/cut/" + to, "wb") as file:
            file.write(part)


def measure(model, mean, std, right, count, batch):
    said = json.loads(subprocess.run(
        [ocellus, "eval", data + "/models/onnx/" + model + ".onnx", "--data",
         folder + "/cut", "--mean", mean, "--std", std, "--batch", batch,
         "--json", "--quiet"], check=True, stdout=subprocess.PIPE).stdout)
    good = round(said["accuracy"] * said["images"])
    say(good == right and said["images"] == count,
        "%s: %d of %d right" % (model, good, said["images"]))


def accuracy():
    cut("mnist/t10k-images-idx3-ubyte", "train-images-idx3-ubyte", 16, 784,
        1000)
    cut("mnist/t10k-labels-idx1-ubyte", "train-labels-idx1-ubyte", 8, 1, 1000)
    measure("burn_mnist", "0.1307", "0.3081", 990, 1000, "1")
    measure("mnist-8", "0", "0.00392156862745098", 987, 1000, "1")
    shutil.rmtree(folder + "/cut")
    cut("cifar10/test_batch.bin", "data_batch_1.bin", 0, 3073, 2000)
    shutil.copy(data + "/datasets/cifar10/batches.meta.txt", folder + "/cut")
    measure("cifar10_resnet20", "0.485,0.456,0.406", "0.229,0.224,0.225", 1832,
            2000, "50")


classes()
boxes()
accuracy()
sys.exit(failed)
