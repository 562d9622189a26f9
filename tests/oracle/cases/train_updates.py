"""The training ops, one update each: all forms, dtypes, sizes around the vectors, flags, rows that come twice."""

import itertools

import numpy as np

from oracle.api import bad, case, rand, resource, var

FLOATS = ["float32", "float64", "float16", "bfloat16"]
COMPLEX = ["complex64", "complex128"]
INVALID = "INVALID_ARGUMENT"

# Optimizer: (slots: "p" for positive ones, scalars before the gradient, scalars after it, flag, forms, dtypes).
# Forms: r(eference), R(esource), s(parse reference), S(parse resource).
STEP = np.int64(3)
OPTIMIZERS = {
    "GradientDescent": ("v", [0.1], [], None, "rR", FLOATS + COMPLEX),
    "ProximalGradientDescent": ("v", [0.1, 0.3, 0.2], [], None, "rRsS", ["float32", "float64"]),
    "Momentum": ("vm", [0.1], [0.9], "use_nesterov", "rRsS", FLOATS + COMPLEX),
    "KerasMomentum": ("vm", [0.1], [0.9], "use_nesterov", "RS", FLOATS + COMPLEX),
    "Adam": ("vmp", [0.9, 0.999, 0.1, 0.9, 0.999, 1e-3], [], "use_nesterov", "rR", FLOATS + COMPLEX),
    "AdamWithAmsgrad": ("vmpp", [0.9, 0.999, 0.1, 0.9, 0.999, 1e-3], [], None, "R", ["float32", "float64"]),
    "AdaMax": ("vmp", [0.9, 0.1, 0.9, 0.999, 1e-3], [], None, "rR", ["float32", "float64", "float16"]),
    "RMSProp": ("vpm", [0.1, 0.9, 0.8, 1e-3], [], None, "rRsS", FLOATS + COMPLEX),
    "CenteredRMSProp": ("vgPm", [0.1, 0.9, 0.8, 1e-3], [], None, "rRsS", ["float32", "float64"]),
    "Adagrad": ("vp", [0.1], [], "update_slots", "rRsS", FLOATS + COMPLEX),
    "AdagradV2": ("vp", [0.1, 1e-3], [], "update_slots", "rRsS", FLOATS),
    "AdagradDA": ("vmp", None, [0.1, 0.3, 0.2, STEP], None, "rRsS", ["float32", "float64"]),
    "ProximalAdagrad": ("vp", [0.1, 0.3, 0.2], [], None, "rRsS", ["float32", "float64"]),
    "Adadelta": ("vpp", [0.1, 0.9, 1e-3], [], None, "rRsS", FLOATS + COMPLEX),
    "Ftrl": ("vpm", None, [0.1, 0.3, 0.2, -0.5], "multiply_linear_by_lr", "rRsS", FLOATS),
    "FtrlV2": ("vpm", None, [0.1, 0.3, 0.2, 0.05, -0.5], "multiply_linear_by_lr", "rRsS", FLOATS),
    "AddSign": ("vm", [0.1, 0.5, 0.7, 0.9], [], None, "rR", FLOATS),
    "PowerSign": ("vm", [0.1, 0.8, 0.7, 0.9], [], None, "rR", FLOATS),
}
NAMES = {"r": "Apply", "R": "ResourceApply", "s": "SparseApply", "S": "ResourceSparseApply"}
# TensorFlow rounds after every operation where Tenon computes in float.
LOOSE = {
    "float32": {"rtol": 2e-5, "atol": 2e-6},
    "float16": {"rtol": 2e-2, "atol": 1e-2},
    "bfloat16": {"rtol": 1e-1, "atol": 5e-2},
    "complex64": {"rtol": 1e-4, "atol": 1e-5},
    "complex128": {"rtol": 1e-8, "atol": 1e-9},
    "float64": {"rtol": 1e-10, "atol": 1e-12},
}


def slots_of(kinds, dtype, shape, at):
    """One variable per kind: v(alue), m(omentum), g (small), p(ositive), P (large)."""
    made = []
    for kind in kinds:
        x = rand(dtype, *shape)
        if kind in "pP":
            x = (abs(x) + (5 if kind == "P" else 0.5)).astype(x.dtype)
        if kind == "g":
            x = (x / 4).astype(x.dtype)
        made.append(at(x))
    return made


def scalars_of(values, dtype):
    return [x if isinstance(x, np.int64) else np.asarray(x).astype(rand(dtype).dtype) for x in values or []]


def update(name, form, dtype, shape, indices=None, scalars=None, **attrs):
    """Inputs in the op's order."""
    kinds, before, after, _, _, _ = OPTIMIZERS[name]
    at = var if form in "rs" else resource
    slots = slots_of(kinds, dtype, shape, at)
    first, last = scalars_of(before, dtype), scalars_of(scalars or after, dtype)
    if indices is None:
        gradient = [rand(dtype, *shape)]
    else:
        gradient = [rand(dtype, len(indices), *shape[1:]), np.asarray(indices)]
    if before is None:
        inputs = [*slots, *gradient, *last]
    else:
        inputs = [*slots, *first, *gradient, *last]
    case(NAMES[form] + name, *inputs, **attrs, **LOOSE[dtype])


for name, (_, _, _, flag, forms, dtypes) in OPTIMIZERS.items():
    for form, dtype in itertools.product(forms, dtypes):
        if form in "sS":
            if dtype in COMPLEX or (dtype == "bfloat16" and name == "RMSProp"):
                continue
            update(name, form, dtype, (6, 5), np.array([4, 0, 4], "int32"))
            continue
        for shape in [(), (0,), (1,), (15,), (16,), (17,), (33,), (3, 5, 2)] if dtype == "float32" else [(19,)]:
            update(name, form, dtype, shape)
    form = forms[0]
    update(name, form, "float32", (40000,) if form not in "sS" else (200, 17))
    for form in forms:
        if flag:
            indices = np.array([1, 3], "int64") if form in "sS" else None
            for value in (False, True):
                update(name, form, "float32", (5, 7), indices, **{flag: value})
        if form in "sS":
            update(name, form, "float32", (4, 33), np.array([3, 3, 3], "int64"))
            update(name, form, "float32", (4,), np.array([2, 0], "int64"))
            if form == "s":  # enough for several threads, every row several times
                update(name, form, "float32", (50, 130), np.arange(260, dtype="int64") * 7 % 50)
            update(name, form, "float32", (4, 2), np.zeros(0, "int32"))

# Other branches of the formulas.
for form, name in itertools.product("rR", ["Ftrl", "FtrlV2"]):
    more = [0.05] if name == "FtrlV2" else []
    for value in (False, True):
        update(name, form, "float32", (21,), None, [0.1, 0.0, 0.2, *more, -0.5], multiply_linear_by_lr=value)
        update(name, form, "float32", (21,), None, [0.1, 0.3, 0.0, *more, -0.7], multiply_linear_by_lr=value)
        update(name, form, "float64", (21,), None, [0.1, 0.3, 0.0, *more, 0.0], multiply_linear_by_lr=value)
update("AdagradDA", "r", "float32", (21,), None, [0.1, 0.0, 0.2, STEP])
for op, at in [("ApplyProximalGradientDescent", var), ("ResourceApplyProximalGradientDescent", resource)]:
    scalars = [np.float32(x) for x in (0.1, 0.0, 0.2)]
    case(op, at(rand("float32", 9)), *scalars, rand("float32", 9))
    case(
        op.replace("GradientDescent", "Adagrad"),
        at(rand("float32", 9)),
        at(abs(rand("float32", 9)) + 1),
        *scalars,
        rand("float32", 9),
    )

# --- bad input ---


def wrong(op, *inputs, code=INVALID, **options):
    bad(op, *inputs, code=code, **options)


for at, prefix in [(var, ""), (resource, "Resource")]:
    x, g, one = rand("float32", 4), rand("float32", 4), np.float32(0.1)
    wrong(prefix + "ApplyGradientDescent", at(x), one, rand("float32", 5))
    wrong(prefix + "ApplyGradientDescent", at(x), np.array([0.1, 0.2], "float32"), g)
    wrong(prefix + "ApplyMomentum", at(x), at(rand("float32", 3)), one, g, one)
    wrong(prefix + "ApplyMomentum", at(x), at(x), one, rand("float32", 2), one)
    wrong(prefix + "ApplyAdam", at(x), at(x), at(rand("float32", 2, 2)), *[one] * 6, g)
    x = rand("float32", 4, 3)
    for indices, shape in [([4], (1, 3)), ([-1], (1, 3)), ([1, 2], (1, 3)), ([1], (1, 2)), ([[1]], (1, 3))]:
        rows = [rand("float32", *shape), np.array(indices, "int32")]
        wrong(prefix + "SparseApplyMomentum", at(x), at(x), one, *rows, one)
        wrong(prefix + "SparseApplyAdagrad", at(x), at(abs(x)), one, *rows)
    rows = [rand("float32", 1, 3), np.array([2], "int32")]
    for scalars in [(-one, one, one, -one), (one, -one, one, -one), (one, one, -one, -one), (one, one, one, one)]:
        wrong(prefix + "SparseApplyFtrl", at(x), at(abs(x)), at(x), *rows, *scalars)
    wrong(prefix + "SparseApplyFtrlV2", at(x), at(abs(x)), at(x), *rows, one, one, one, -one, -one)
    wrong(
        prefix + "SparseApplyAdagrad",
        at(rand("float32")),
        at(rand("float32")),
        one,
        rand("float32", 1),
        np.array([0], "int32"),
    )
