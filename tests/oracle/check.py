"""Checks one case in every way; each check returns a list of complaints."""

import functools
import inspect

import numpy as np

from oracle import cache, compare, exceptions, serve, tenon_side
from oracle import tensorflow_side as reference
from tenon import _core
from tenon._thin import errors


@functools.cache
def _key(case_id):
    case = CASES_BY_ID[case_id]
    return cache.key(case.op, case.inputs, sorted(case.attrs.items(), key=str))


CASES_BY_ID = {}


class Aborts(Exception):
    """TensorFlow's process ended over a case."""


def _ask(kind, case, *arguments, key=None):
    """What TensorFlow says to question KIND about CASE."""
    answer = cache.remember(f"{key or _key(case.id)}-{kind}", lambda: serve.ask(f"ask_{kind}", case.id, *arguments))
    if isinstance(answer, serve.Crash):
        raise Aborts(f"TensorFlow aborts on the {kind} of {case.id}; the case needs tf=False: {answer.text}")
    return answer


def in_tensorflow(case):
    """False if TensorFlow can't be asked about CASE."""
    return case.options.get("tf", True) and case.op not in exceptions.UNRUNNABLE


def expected_values(case):
    """(outputs, state) of TensorFlow, of the case, or of Tenon's reference kernel where there is nobody to ask."""
    if "expect" in case.options:
        return case.options["expect"], []
    if not in_tensorflow(case):
        with tenon_side.forced(case.op, "reference"):
            return tenon_side.ask_values(case, disabled_passes="all")
    return _ask("values", case)


def shape_fits(got, want):
    """ "same", "refines" (more is known), or "wrong"."""
    if got == want:
        return "same"
    if want is None:
        return "refines"
    if got is None or len(got) != len(want):
        return "wrong"
    return "refines" if all(b is None or a == b for a, b in zip(got, want)) else "wrong"


def check_shapes(case):
    """Shape inference under three degrees of ignorance."""
    if case.options.get("shapes") is False or not in_tensorflow(case):
        return []
    complaints = []
    for degree, want in enumerate(_ask("shapes", case)):
        got = tenon_side.ask_shapes(case, degree)
        for i, (a, b) in enumerate(zip(got, want)):
            fits = shape_fits(a, b)
            if fits == "wrong" or (fits == "refines" and case.op not in exceptions.REFINES):
                complaints.append(f"shape of output {i}, {reference.DEGREES[degree]}: {a}, expected {b}")
        if len(got) != len(want):
            complaints.append(f"{len(got)} outputs, expected {len(want)}")
    return complaints


def _brief(value):
    return "None" if value is None else f"{value.dtype}{list(value.shape)}"


def compare_all(got, want, options, what):
    """Complaints about lists of values."""
    complaints = [f"{what}: {len(got)} values, expected {len(want)}"] if len(got) != len(want) else []
    for i, (a, b) in enumerate(zip(got, want)):
        if isinstance(a, str) or isinstance(b, str):
            text = "" if type(a) is type(b) and a == b else f"{a!r}, expected {b!r}"
        elif a is None or b is None:
            text = "" if a is b else f"{_brief(a)}, expected {_brief(b)}"
        else:
            text = compare.difference(a, b, options)
        if text:
            complaints.append(f"{what} {i}: {text}")
    return complaints


MODES = {"default": {}, "dynamic": {"dynamic_only": True}, "no passes": {"disabled_passes": "all"}}


def check_values(case):
    """Static and dynamic executor, with and without passes."""
    if case.options.get("values") is False:
        tenon_side.ask_values(case)
        return []
    outputs, state = expected_values(case)
    complaints = []
    for mode, options in MODES.items():
        got, after = tenon_side.ask_values(case, **options)
        complaints += compare_all(got, outputs, case.options, f"{mode}: output")
        complaints += compare_all(after, state, case.options, f"{mode}: variable")
    return complaints


def check_kernel(case, kernel, **options):
    """(reached, complaints) with one kernel of the case's op forced."""
    with tenon_side.forced(case.op, kernel):
        try:
            got, after = tenon_side.ask_values(case, disabled_passes="all", **options)
        except errors.UnimplementedError:
            return False, []
    if case.options.get("values") is False:
        return True, []
    outputs, state = expected_values(case)
    complaints = compare_all(got, outputs, case.options, f"kernel {kernel}: output")
    return True, complaints + compare_all(after, state, case.options, f"kernel {kernel}: variable")


def check_gradient(case):
    """TensorFlow's gradient, for known and unknown shapes, and finite differences."""
    if case.options.get("grad") is False or case.options.get("values") is False or not in_tensorflow(case):
        return []
    outputs, _ = expected_values(case)
    want = _ask("gradient", case, outputs)
    if want is None:
        return []
    if want == "unregistered":
        kind = _core.op_gradient_kind(case.op)
        return [] if kind == "u" else [f"TensorFlow has no gradient, Tenon says {kind!r} (expected 'u')"]
    grad_ys, gradients = want
    complaints = []
    for degree in (0,) if case.options.get("static") else (0, 2):
        got = tenon_side.ask_gradient(case, grad_ys, list(gradients), degree)
        if got == "unregistered":
            return ["Tenon has no gradient, TensorFlow has"]
        what = f"gradient, {reference.DEGREES[degree]}, of fed input"
        complaints += compare_all(list(got.values()), list(gradients.values()), case.options, what)
        if degree == 0 and case.options.get("fd", True):
            complaints += check_differences(case, grad_ys, got)
    if case.second_order:
        complaints += check_second(case)
    return complaints


def check_second(case):
    """Gradients of gradients, for the first float64 case of an op; finite differences would add nothing."""
    outputs, _ = expected_values(case)
    want = _ask("second", case, outputs)
    if want is None or want == "unregistered":
        return []
    got = tenon_side.ask_second(case, outputs)
    if not isinstance(got, list):
        return [f"second order: Tenon says {got}, TensorFlow has one"]
    return compare_all(got, want, case.options, "second gradient")


def check_differences(case, grad_ys, gradients):
    """Finite differences along two random directions for each float64 input."""
    complaints = []
    fed = [x for x in case.flat() if x.kind == "fed"]
    finite = all(np.isfinite(x.value).all() for x in fed if x.value.dtype.kind == "f")
    stream = np.random.RandomState(11)
    for i, gradient in gradients.items():
        if fed[i].dtype != "float64" or gradient is None or not finite or not fed[i].value.size:
            continue
        for _ in range(2):
            direction = stream.uniform(-1, 1, fed[i].value.shape)
            numeric = tenon_side.slope(case, grad_ys, i, direction, 1e-6)
            exact = float(np.sum(gradient * direction))
            scale = max(abs(numeric), abs(exact), float(np.sum(np.abs(gradient * direction))), 1.0)
            if not abs(numeric - exact) <= max(1e-6, case.options.get("rtol", 0.0)) * scale * 10:
                complaints.append(f"gradient of fed input {i}: {exact}, finite differences say {numeric}")
    return complaints


def check_error(case):
    """The same error code as TensorFlow, when built with known shapes and when run with unknown ones."""
    got = tenon_side.ask_error(case)
    if not in_tensorflow(case):
        return [] if case.code in got else [f"codes {got}, expected {case.code}"]
    want = _ask("error", case)
    if case.code not in want:
        return [f"TensorFlow gives {want}, the case says {case.code}"]
    degrees = (reference.DEGREES[0], reference.DEGREES[2])
    return [f"{where}: {a}, expected {b}" for where, a, b in zip(degrees, got, want) if b not in ("OK", a)]


def expected_program(case):
    """What TensorFlow gives for a program, kept under the text of its file; or what the program says."""
    if "expect" in case.options:
        return case.options["expect"]
    return _ask("program", case, key=cache.key(case.id, inspect.getsource(inspect.getmodule(case.build))))


def check_program(case, **options):
    """(complaints, op types that it used)."""
    want = expected_program(case)
    complaints, used = [], set()
    for mode, session in MODES.items() if not options else [("forced", options)]:
        got, used = tenon_side.ask_program(case, **session)
        for i, (a, b) in enumerate(zip(got, want)):
            a, b = ([x] if isinstance(x, str) else x for x in (a, b))
            complaints += compare_all(a, b, case.options, f"{mode}: step {i}: value")
    return complaints, used


def check(case):
    """All complaints about a case."""
    if case.is_program:
        return check_program(case)[0]
    if case.code:
        return check_error(case)
    return check_shapes(case) + check_values(case) + check_gradient(case)
