"""round_trip.py - models read and written again: onnx.checker accepts what was
written, and ONNX Runtime and Ocellus compute with it what they did before.

    python3 round_trip.py DRIVER OCELLUS DATA NAMES...

DRIVER is tests/net/onnx_rewrite. DATA holds data/models/onnx/*.onnx, which are
given random inputs, and onnx/*.tar.xz, operator tests with inputs and outputs;
NAMES are files with the names of the tests to take. Prints a line that begins
with "ok" or "not ok" for each group of models.

"The same" is max |a - b| <= 1e-4 max |b|. What onnx.checker or ONNX Runtime
does not take as the original is not asked of the copy.
"""
import collections
import glob
import os
import subprocess
import sys
import tarfile
import tempfile

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper

Case = collections.namedtuple("Case", "name model folder copy")


def inputs_of(model):
    """The names of what a run must give."""
    graph = onnx.load(model, load_external_data=False).graph
    made = {t.name for t in graph.initializer}
    return [i for i in graph.input if i.name not in made]


def random_inputs(model, folder):
    """input_0.pb ... where the model's author gave none."""
    rng = numpy.random.default_rng(0)
    for k, info in enumerate(inputs_of(model)):
        tensor = info.type.tensor_type
        shape = [d.dim_value or 2 for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        x = rng.standard_normal(shape) if dtype.kind == "f" else 16000
        onnx.save_tensor(
            numpy_helper.from_array(numpy.array(x, dtype).reshape(shape)),
            os.path.join(folder, "input_%d.pb" % k))


def the_models(data, folder):
    for model in sorted(glob.glob(os.path.join(data, "data/models/onnx/*"))):
        name = os.path.basename(model)[:-5]
        inputs = os.path.join(folder, name)
        os.makedirs(inputs)
        random_inputs(model, inputs)
        yield Case(name, model, inputs, os.path.join(inputs, "copy.onnx"))


def the_tests(data, listed, folder):
    wanted = set(open(listed).read().split())
    suite = os.path.basename(listed)[len("conformance-"):-len(".txt")]
    with tarfile.open(os.path.join(data, "onnx", suite + ".tar.xz")) as packed:
        packed.extractall(folder)
    for top, _, files in sorted(os.walk(folder)):
        name = os.path.basename(top)
        if name in wanted and "model.onnx" in files:
            inputs = os.path.join(top, "test_data_set_0")
            yield Case(name, os.path.join(top, "model.onnx"), inputs,
                       os.path.join(top, "copy.onnx"))


def accepted(model):
    """None, or why onnx.checker refuses it."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        return "onnx.checker: %s" % str(error).strip().replace("\n", " ")
    return None


def tensors(folder, what):
    out = []
    while os.path.isfile(os.path.join(folder, "%s_%d.pb" % (what, len(out)))):
        out.append(numpy_helper.to_array(onnx.load_tensor(
            os.path.join(folder, "%s_%d.pb" % (what, len(out))))))
    return out


def theirs(model, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in inputs_of(model)]
    return session.run(None, dict(zip(names, inputs)))


def differs(mine, wanted):
    """None, or what is not the same."""
    if len(mine) != len(wanted):
        return "%d outputs for %d" % (len(mine), len(wanted))
    for k, (a, b) in enumerate(zip(mine, wanted)):
        a, b = numpy.asarray(a), numpy.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return "output %d is %s %s for %s %s" % (
                k, a.dtype, a.shape, b.dtype, b.shape)
        a, b = (numpy.asarray(v, "f8") for v in (a, b))
        odd = ~numpy.isfinite(b)
        if not numpy.array_equal(a[odd], b[odd], equal_nan=True):
            return "output %d has other infinities" % k
        far, size = (abs(v).max(initial=0) for v in (a[~odd] - b[~odd], b[~odd]))
        if not far <= 1e-4 * size:
            return "output %d is %g off, of %g" % (k, far, size)
    return None


def ours(ocellus, cases, folder):
    """{name: None or why Ocellus failed}; outputs beside the copies."""
    listed = os.path.join(folder, "cases")
    for case in cases:
        os.makedirs(case.copy + ".out")
    with open(listed, "w") as out:
        out.writelines("%s\t%s\t%s\t%s.out\n" % (
            c.name, c.copy, c.folder, c.copy) for c in cases)
    lines = subprocess.run(
        [ocellus, "onnx-test", "--quiet", "--batch", listed],
        stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    said = dict(line.split(" ", 3)[1:3] for line in lines)
    return {c.name: None if said.get(c.name) == "ok" else "Ocellus fails"
            for c in cases}


def rewritten(driver, cases, folder):
    listed = os.path.join(folder, "models")
    with open(listed, "w") as out:
        out.writelines("%s\t%s\n" % (c.model, c.copy) for c in cases)
    said = subprocess.run([driver, listed], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.splitlines()
    return [(c, None if s == "ok" else s[9:]) for c, s in zip(cases, said)]


def check(case, failed, counts):
    """None, or what is wrong with the copy of one model."""
    why = accepted(case.copy)
    if why and not accepted(case.model):
        return why
    counts["checked"] += not why
    inputs, wanted = tensors(case.folder, "input"), tensors(case.folder, "output")
    try:
        before = theirs(case.model, inputs)
    except Exception:
        before = None
    if before is not None:
        try:
            why = differs(theirs(case.copy, inputs), before)
        except Exception as error:
            why = str(error).replace("\n", " ")
        if why:
            return "ONNX Runtime: " + why
        counts["run"] += 1
    why = failed or differs(tensors(case.copy + ".out", "output"),
                            wanted or before)
    return why and "Ocellus: " + why


def group(name, cases, driver, ocellus, folder):
    counts, wrong = collections.Counter(), []
    done = rewritten(driver, cases, folder)
    wrong += ["%s: %s" % (c.name, why) for c, why in done if why]
    good = [c for c, why in done if not why]
    failed = ours(ocellus, good, folder)
    for case in good:
        why = check(case, failed[case.name], counts)
        if why:
            wrong.append("%s: %s" % (case.name, why[:300]))
    print("%s - %s: %d of %d models are the same after reading and writing; "
          "onnx.checker accepts %d, ONNX Runtime runs %d" % (
              "not ok" if wrong or not cases else "ok", name,
              len(cases) - len(wrong), len(cases), counts["checked"],
              counts["run"]))
    for line in wrong:
        print("# " + line)
    return not wrong and len(cases) > 0


def main():
    driver, ocellus, data = sys.argv[1:4]
    good = True
    with tempfile.TemporaryDirectory() as folder:
        places = iter(os.path.join(folder, str(k)) for k in range(100))
        jobs = [("data/models/onnx", lambda at: the_models(data, at))]
        for listed in sys.argv[4:]:
            jobs.append((os.path.basename(listed),
                         lambda at, l=listed: the_tests(data, l, at)))
        for name, cases in jobs:
            place = next(places)
            os.makedirs(place)
            good &= group(name, list(cases(place)), driver, ocellus, place)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
