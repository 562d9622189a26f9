"""The definitions of all op types: tensorflow.python.framework.op_def_registry."""

from tenon import _core
from tenon.python.framework.proto import OpDef


def get(name):
    """The OpDef of an op type, None if there is none of that name."""
    return OpDef.FromString(_core.op_def(name)) if name in _core.op_names() else None


def get_registered_ops():
    """{op type: OpDef} of all."""
    return {name: OpDef.FromString(_core.op_def(name)) for name in _core.op_names()}
