"""Where Tenon and TensorFlow differ on purpose. Printed at the end of a run."""

# Op -> why Tenon's shape inference knows more.
REFINES = {}

# Op -> why its definition differs.
DEFINITIONS = {"ImageSummary": "the same default tensor, written as bytes"}

# Op -> why TensorFlow can't run it.
UNRUNNABLE = {"TopK": "its kernel wants an attribute that its definition lacks"}


def lines(cases):
    """The list, with the cases that TensorFlow can't run."""
    for op, why in sorted(REFINES.items()):
        yield f"shape inference of {op} knows more: {why}"
    for op, why in sorted(DEFINITIONS.items()):
        yield f"definition of {op} differs: {why}"
    for op, why in sorted(UNRUNNABLE.items()):
        yield f"TensorFlow can't run {op}: {why}"
    for case in cases:
        if "expect" in case.options:
            yield f"no kernel in TensorFlow: {case.id}: {case.options['why']}"
        if not case.options.get("tf", True):
            yield f"not run in TensorFlow: {case.id}: {case.options['why']}"
