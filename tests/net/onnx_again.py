"""onnx_again.py - models read, written and run again, beside ONNX Runtime.

    python3 onnx_again.py DRIVER OCELLUS DATA NAMES [PART]

DRIVER is tests/net/onnx_again. Each model in DATA/data/models/onnx and each
operator test of DATA/onnx/node-tests-visible.tar.xz that NAMES lists (PART: of
these, those whose name has it) is read and written by DRIVER. What was written
must be accepted by onnx.checker; ONNX Runtime, where it runs the original, must
run it too; and ONNX Runtime and Ocellus must give the same, or, where ONNX
Runtime knows no such operator, what the test expects.
"""
import glob
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper

EXTENTS = {"N": 2, "batch": 2, "sequence": 576}
NUMBERS = {"sr": 16000}

# How far from ONNX Runtime, where not 1e-4 of the largest number: two releases
# of ONNX Runtime differ by 2.7e-5 here.
LIMITS = {"yolox_nano.onnx": 2e-4}
# Their Range takes tensors of one number that are no scalars: ONNX Runtime
# refuses that as soon as the condition of the If before it is a known number.
NOT_BESIDE = ("test_affine_grid_2d_expanded",
              "test_affine_grid_2d_align_corners_expanded",
              "test_affine_grid_3d_expanded",
              "test_affine_grid_3d_align_corners_expanded")
# Scan of operator set 8, which has no newer form; and a list of one where Range
# wants a number, which ONNX Runtime sees once the axis is an initializer.
READ_ONLY = {"test_scan_sum", "test_affine_grid_2d_expanded"}


class Case:
    def __init__(self, name, model, folder):
        self.name, self.model = name, model
        self.written = os.path.join(folder, "model.onnx")
        self.inputs = os.path.join(folder, "in")
        self.outputs = os.path.join(folder, "out")
        self.expected = None
        os.makedirs(self.outputs)
        os.makedirs(self.inputs)


def make_inputs(case):
    graph = onnx.load(case.model).graph
    known = {t.name for t in graph.initializer}
    rng = numpy.random.default_rng(0)
    given = [i for i in graph.input if i.name not in known]
    for k, value in enumerate(given):
        t = value.type.tensor_type
        shape = [d.dim_value or EXTENTS[d.dim_param] for d in t.shape.dim]
        numbers = (rng.standard_normal(shape).astype("f4")
                   if t.elem_type == onnx.TensorProto.FLOAT
                   else numpy.full(shape, NUMBERS[value.name], "i8"))
        with open(os.path.join(case.inputs, "input_%d.pb" % k), "wb") as out:
            out.write(numpy_helper.from_array(
                numbers, value.name).SerializeToString())


def take_reference(case, data):
    """The inputs that lie beside the models; 0: there are none."""
    stem = os.path.splitext(case.name)[0]
    for name in (stem, stem + "_test_data_set_0"):
        path = os.path.join(data, "data/reference", name + ".tar.xz")
        if not os.path.exists(path):
            continue
        with tarfile.open(path) as tar:
            for part in tar.getmembers():
                if os.path.basename(part.name).startswith("input_"):
                    part.name = os.path.basename(part.name)
                    tar.extract(part, case.inputs)
        return 1
    return 0


def find_models(data, folder):
    for model in sorted(glob.glob(os.path.join(data, "data/models/onnx/*.onnx"))):
        name = os.path.basename(model)
        case = Case(name, model, os.path.join(folder, name))
        if not take_reference(case, data):
            make_inputs(case)
        yield case


def find_tests(data, names, part, folder):
    with tarfile.open(os.path.join(data, "onnx/node-tests-visible.tar.xz")) as tar:
        tar.extractall(os.path.join(folder, "tests"))
    wanted = {line.split()[0] for line in open(names)
              if line.strip() and line[0] != "#" and part in line}
    for path in sorted(glob.glob(os.path.join(folder, "tests", "**", "model.onnx"),
                                 recursive=True)):
        name = os.path.basename(os.path.dirname(path))
        data_set = os.path.join(os.path.dirname(path), "test_data_set_0")
        if name in wanted and name not in READ_ONLY:
            case = Case(name, path, os.path.join(folder, name))
            case.inputs = case.expected = data_set
            yield case


def write_again(driver, cases, folder):
    path = os.path.join(folder, "list")
    with open(path, "w") as out:
        out.writelines("%s\t%s\n" % (c.model, c.written) for c in cases)
    said = subprocess.run([driver, path], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.splitlines()
    return dict(zip([c.name for c in cases], said))


def run_ours(ocellus, cases, folder):
    path = os.path.join(folder, "batch")
    with open(path, "w") as out:
        out.writelines("%s\t%s\t%s\t%s\n" % (c.name, c.written, c.inputs, c.outputs)
                       for c in cases)
    said = subprocess.run([ocellus, "onnx-test", "--quiet", "--batch", path],
                          stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[1]: line.split(None, 2)[2]
            for line in said.splitlines() if line.startswith("CASE ")}


def read_tensors(folder, what):
    count = len(glob.glob(os.path.join(folder, what + "_*.pb")))
    return [numpy_helper.to_array(onnx.load_tensor(
        os.path.join(folder, "%s_%d.pb" % (what, k)))) for k in range(count)]


def open_theirs(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options,
                                        providers=["CPUExecutionProvider"])


def work(job, pipe):
    try:
        said = job()
    except Exception as reason:
        said = str(reason) or "it failed"
    with os.fdopen(pipe, "wb") as out:
        pickle.dump(said, out)


def apart(job):
    """In a process of its own: some models end ONNX Runtime, or the checker."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            work(job, write)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        answer = answer.read()
    os.waitpid(child, 0)
    said = pickle.loads(answer) if answer else "it ended"
    if isinstance(said, str):
        raise RuntimeError(said)
    return said


def run_theirs(model, inputs):
    def job():
        session = open_theirs(model)
        given = {i.name: x for i, x in zip(session.get_inputs(), inputs)}
        return session.run(None, given)
    return apart(job)


def check(case):
    """What the checker says of the original, too, is no fault of ours."""
    def of(model):
        return lambda: onnx.checker.check_model(model, full_check=True) or []
    try:
        apart(of(case.written))
    except RuntimeError:
        try:
            apart(of(case.model))
        except RuntimeError:
            return
        raise


def far(a, b):
    """Largest difference as a part of the largest number."""
    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return numpy.inf
    if a.dtype.kind not in "fV" and str(a.dtype) != "bfloat16":
        return 0 if (a == b).all() else numpy.inf
    a, b = a.astype("f8"), b.astype("f8")
    same = (a == b) | (numpy.isnan(a) & numpy.isnan(b))
    if same.all():
        return 0
    finite = numpy.abs(b[numpy.isfinite(b)])
    return (numpy.abs(a - b)[~same].max() /
            max(finite.max() if finite.size else 0, 1e-30))


def check(case):
    """The checker refuses some of ONNX's own tests; those cannot be judged."""
    try:
        onnx.checker.check_model(case.written, full_check=True)
    except Exception:
        try:
            onnx.checker.check_model(case.model, full_check=True)
        except Exception:
            return
        raise


def judge(case):
    """"" where all is well, else what is wrong; and whether ONNX Runtime had a
    say."""
    check(case)
    ours = read_tensors(case.outputs, "output")
    inputs = read_tensors(case.inputs, "input")
    if case.name in NOT_BESIDE:
        worst = max(map(far, ours, read_tensors(case.expected, "output")))
        return ("" if worst <= 1e-4 else "%.2g from the test's" % worst), 0
    try:
        theirs = run_theirs(case.written, inputs)
    except Exception as reason:
        try:
            run_theirs(case.model, inputs)
        except Exception:
            if case.expected is None:
                raise
            theirs = read_tensors(case.expected, "output")
            worst = max(map(far, ours, theirs))
            return ("" if worst <= 1e-2 else "%.2g from the test's numbers" % worst), 0
        return "ONNX Runtime refuses it: %s" % str(reason)[:200], 1
    if len(ours) != len(theirs):
        return "%d outputs, ONNX Runtime gives %d" % (len(ours), len(theirs)), 1
    worst = max(map(far, ours, theirs))
    if worst > 1e-4 and case.expected is not None:
        # ONNX Runtime is wrong about the original too, or rounds differently
        theirs = run_theirs(case.model, inputs)
        right = read_tensors(case.expected, "output")
        if max(map(far, theirs, right)) > 1e-4 and max(map(far, ours, right)) <= 1e-2:
            return "", 0
    limit = LIMITS.get(case.name, 1e-4)
    return ("" if worst <= limit else "%.2g from ONNX Runtime" % worst), 1


def main():
    driver, ocellus, data, names = sys.argv[1:5]
    part = sys.argv[5] if len(sys.argv) > 5 else ""
    bad = beside = alone = 0
    with tempfile.TemporaryDirectory() as folder:
        cases = [c for c in find_models(data, folder) if part in c.name]
        cases += find_tests(data, names, part, folder)
        said = write_again(driver, cases, folder)
        ran = run_ours(ocellus, [c for c in cases if said[c.name] == "ok"], folder)
        for case in cases:
            wrong, peer = said[case.name], 0
            if wrong == "ok":
                wrong = ran.get(case.name, "Ocellus ended before it")
            if wrong == "ok":
                try:
                    wrong, peer = judge(case)
                except Exception as reason:
                    wrong = str(reason).replace("\n", " ")[:300]
            beside += peer
            alone += not peer and not wrong
            bad += wrong != ""
            if wrong:
                print("# %s: %s" % (case.name, wrong))
    good = bad == 0 and len(cases) > 0
    print("%s - %d models written again: %d run beside ONNX Runtime, %d beside "
          "the test's own numbers, %d wrong"
          % ("ok" if good else "not ok", len(cases), beside, alone, bad))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
