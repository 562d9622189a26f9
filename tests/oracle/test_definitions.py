"""The definition of every op equals TensorFlow's OpDef."""

import pytest

from oracle import cache, exceptions
from oracle import tensorflow_side as reference
from tenon import _core

OPS = [name for name in _core.op_names() if not name.startswith("_")]


def _argument(arg):
    return (arg.name, arg.type, arg.type_attr, arg.number_attr, arg.type_list_attr, arg.is_ref)


def _value(attr):
    """An AttrValue as text that doesn't depend on the order of what is a set."""
    return attr.SerializeToString(deterministic=True)


def _attr(attr):
    allowed = frozenset(attr.allowed_values.list.type) | frozenset(attr.allowed_values.list.s)
    default = _value(attr.default_value) if attr.HasField("default_value") else None
    return (attr.name, attr.type, default, attr.has_minimum, attr.minimum, allowed)


def describe(definition):
    """What is compared of an OpDef."""
    return {
        "inputs": [_argument(a) for a in definition.input_arg],
        "outputs": [_argument(a) for a in definition.output_arg],
        "attrs": [_attr(a) for a in definition.attr],
        "is_stateful": definition.is_stateful,
        "is_commutative": definition.is_commutative,
        "is_aggregate": definition.is_aggregate,
        "allows_uninitialized_input": definition.allows_uninitialized_input,
    }


def theirs(name):
    def ask():
        found = reference.op_def(name)
        return describe(found) if found is not None else None

    return cache.remember(cache.key("definition", name), ask)


def ours(name):
    reference.modules()
    from tensorflow.core.framework import op_def_pb2

    return describe(op_def_pb2.OpDef.FromString(_core.op_def(name)))


@pytest.mark.xdist_group("definitions")
@pytest.mark.parametrize("name", OPS)
def test_definition(name):
    if name in exceptions.DEFINITIONS:
        pytest.skip(exceptions.DEFINITIONS[name])
    want = theirs(name)
    assert want is not None, f"TensorFlow has no op {name}"
    got = ours(name)
    wrong = [f"{part}: {got[part]}\n    expected {want[part]}" for part in want if got[part] != want[part]]
    assert not wrong, "\n  ".join([name, *wrong])
