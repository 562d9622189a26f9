"""Training: the weights of a small network after 50 steps of each optimizer agree with TensorFlow's to 1e-5."""

import numpy as np
import pytest

from oracle import cache, tenon_side, tensorflow_side
from oracle.cases.train_updates import OPTIMIZERS

STEPS = 50
BATCH = 8
SHAPES = {"table": (11, 3), "hidden": (3, 7), "bias": (7,), "out": (7, 4)}
# Rates with which training does not blow up: there the least rounding error would grow without bounds.
RATES = {
    "AdagradDA": 0.02,
    "GradientDescent": 0.1,
    "Momentum": 0.01,
    "KerasMomentum": 0.01,
    "RMSProp": 0.002,
    "CenteredRMSProp": 0.002,
    "Adadelta": 0.1,
}
SMALL_SLOT = {"p": 0.1, "P": 0.1, "m": 0.0, "g": 0.0}


def initial(name):
    stream = np.random.RandomState(len(name))
    return stream.uniform(-0.5, 0.5, SHAPES[name]).astype("float32")


def batch(step):
    stream = np.random.RandomState(1000 + step)
    return stream.randint(0, 11, BATCH).astype("int32"), stream.randint(0, 4, BATCH).astype("int32")


class Network:
    """Embedding, tanh layer, softmax; one update op for each weight."""

    def __init__(self, g, optimizer, kind, sparse):
        self.g, self.optimizer, self.kind = g, optimizer, kind
        self.slots, before, after, _, _, _ = OPTIMIZERS[optimizer]
        self.start, self.reads = [], []
        self.ids, self.labels = g.placeholder("int32", [BATCH]), g.placeholder("int32", [BATCH])
        self.scalars = [
            g.placeholder("int64" if isinstance(x, np.int64) else "float32", []) for x in (before or []) + after
        ]
        self.n_before = len(before or [])
        self.first = before is not None
        weights = {name: self.variable(name, initial(name)) for name in SHAPES}
        values = {name: read for name, (_, read) in weights.items()}
        rows = g.op("GatherV2", values["table"], self.ids, g.constant(np.array(0, "int32")))
        layer = g.op("Tanh", g.op("AddV2", g.op("MatMul", rows, values["hidden"]), values["bias"]))
        logits = g.op("MatMul", layer, values["out"])
        loss, _ = g.op("SparseSoftmaxCrossEntropyWithLogits", logits, self.labels)
        names = list(SHAPES)
        sources = [rows if sparse and name == "table" else values[name] for name in names]
        gradients = g.gradients([loss], sources)
        # A reference is read where it is used: nothing may change before all gradients are there.
        self.gate = [getattr(gradient, "op", gradient) for gradient in gradients]
        self.updates = [
            self.update(name, weights[name][0], gradient, sparse and name == "table")
            for name, gradient in zip(names, gradients)
        ]

    def variable(self, name, value):
        """(what an update takes, the value)."""
        g, constant = self.g, self.g.constant(value)
        shape = list(value.shape)
        if self.kind == "resource":
            handle = g.op("VarHandleOp", shape=shape, dtype="float32", shared_name=name)
            self.start.append(g.op("AssignVariableOp", handle, constant, dtype="float32"))
            read = g.op("ReadVariableOp", handle, dtype="float32")
        else:
            handle = g.op("VariableV2", shape=shape, dtype="float32", name=name)
            self.start.append(g.op("Assign", handle, constant))
            read = g.op("Identity", handle)
        self.reads.append(read)
        return handle, read

    def update(self, name, weight, gradient, sparse):
        slots = [
            self.variable(f"{name}/{i}", np.full(SHAPES[name], SMALL_SLOT[kind], "float32"))[0]
            for i, kind in enumerate(self.slots)
            if i
        ]
        given = [gradient, self.ids] if sparse else [gradient]
        before, after = self.scalars[: self.n_before], self.scalars[self.n_before :]
        inputs = [weight, *slots, *before, *given, *after] if self.first else [weight, *slots, *given, *after]
        prefix = ("Resource" if self.kind == "resource" else "") + ("Sparse" if sparse else "") + "Apply"
        return self.g.op(prefix + self.optimizer, *inputs, control_inputs=self.gate)

    def feeds(self, step):
        ids, labels = batch(step)
        _, before, after, _, _, _ = OPTIMIZERS[self.optimizer]
        values = [np.int64(step + 1) if isinstance(x, np.int64) else np.float32(x) for x in (before or []) + after]
        if self.optimizer.startswith("Ada") and self.optimizer[:4] in ("Adam", "AdaM"):
            values[0] = np.float32(0.9 ** (step + 1))
            if self.optimizer != "AdaMax":
                values[1] = np.float32(0.999 ** (step + 1))
        elif self.optimizer in RATES:
            values[0] = np.float32(RATES[self.optimizer])
        return {self.ids: ids, self.labels: labels, **dict(zip(self.scalars, values))}


def train(side, session, optimizer, kind, sparse):
    with side.Graph() as g:
        network = Network(g, optimizer, kind, sparse)
        with session(g) as s:
            s.run([getattr(x, "op", x) for x in network.start])
            for step in range(STEPS):
                s.run([getattr(x, "op", x) for x in network.updates], network.feeds(step))
            return [np.array(x) for x in s.run(network.reads)]


def tenon_session(g, **options):
    from tenon import _thin

    return _thin.Session(g.graph, **options)


FORMS = {"r": ("ref", False), "R": ("resource", False), "s": ("ref", True), "S": ("resource", True)}


def cases():
    """Sparse forms only where the other weights have a dense one."""
    for name, (_, _, _, _, forms, _) in OPTIMIZERS.items():
        for form, (kind, sparse) in FORMS.items():
            if form in forms and (not sparse or form.translate({115: "r", 83: "R"}) in forms):
                mark = pytest.mark.xdist_group(name)
                yield pytest.param(name, kind, sparse, id=f"{name}-{kind}{'-sparse' * sparse}", marks=mark)


@pytest.mark.parametrize(("optimizer", "kind", "sparse"), list(cases()))
def test_fifty_steps(optimizer, kind, sparse):
    arguments = (optimizer, kind, sparse)
    key = cache.key("optimizer", *map(str, arguments), str(OPTIMIZERS[optimizer][:3]), str(RATES.get(optimizer)))
    want = cache.remember(key, lambda: train(tensorflow_side, tensorflow_side.session, *arguments))
    got = train(tenon_side, tenon_session, *arguments)
    moved = max(np.abs(a - initial(name)).max() for a, name in zip(want, SHAPES))
    assert moved > 1e-2, "the weights hardly moved"
    for a, b in zip(got, want):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_one_sweep_gives_the_same_bits(optimizer):
    """Updates fused into one sweep, each by itself, and by the dynamic executor."""
    from tenon import _core

    before = dict(_core.passes())["fuse_updates"]
    fused = train(tenon_side, tenon_session, optimizer, "resource", False)
    fires = optimizer != "AdagradDA"  # its scalars are of two dtypes
    assert (dict(_core.passes())["fuse_updates"] > before) == fires
    for options in ({"disabled_passes": "fuse_updates"}, {"dynamic_only": True}):
        apart = train(tenon_side, lambda g, o=options: tenon_session(g, **o), optimizer, "resource", False)
        for a, b in zip(fused, apart):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kernel", ["vector", "reference"])
def test_kernels_of_the_sweep(kernel):
    """Both agree with updates that are not fused."""
    apart = train(tenon_side, lambda g: tenon_session(g, disabled_passes="all"), "Adam", "ref", False)
    with tenon_side.forced("_FusedUpdates", kernel):
        fused = train(tenon_side, tenon_session, "Adam", "ref", False)
    for a, b in zip(fused, apart):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def powers(options):
    """Two Adam updates whose powers are variables that the step changes afterwards."""
    from tenon import _core

    before = dict(_core.passes())["fuse_updates"]
    with tenon_side.Graph() as g:

        def variable(value):
            v = g.op("VariableV2", shape=list(value.shape), dtype="float32")
            return v, g.op("Assign", v, g.constant(value))

        scalars = [g.constant(np.array(x, "float32")) for x in (0.1, 0.9, 0.999, 1e-8)]
        made = [[variable(np.full(n, x, "float32")) for x in (1, 0, 0)] for n in (5, 40)]
        beta = [variable(np.array(x, "float32")) for x in (0.9, 0.999)]
        gradients = [g.op("Mul", m[0][0], m[0][0]) for m in made]
        updates = [
            g.op("ApplyAdam", *[v for v, _ in m], *[v for v, _ in beta], *scalars, gradient)
            for m, gradient in zip(made, gradients)
        ]
        last = [g.op("Assign", b, g.op("Mul", b, s), control_inputs=updates) for (b, _), s in zip(beta, scalars[1:])]
        with tenon_session(g, **options) as s:
            s.run([start for _, start in [*made[0], *made[1], *beta]])
            for _ in range(5):
                s.run([x.op for x in last])
            values = s.run([v for v, _ in [*made[0], *made[1], *beta]])
    return values, dict(_core.passes())["fuse_updates"] - before


def test_one_sweep_with_powers_that_change():
    fused, fired = powers({})
    apart, never = powers({"disabled_passes": "fuse_updates"})
    assert (fired > 0, never) == (True, 0)
    for a, b in zip(fused, apart):
        np.testing.assert_array_equal(a, b)
