"""Resources other than variables that a program initialises: registered in collections of the graph."""

import collections

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, control_flow_ops, math_ops

_Resource = collections.namedtuple("_Resource", ["handle", "create", "is_initialized"])


def register_resource(handle, create_op, is_initialized_op, is_shared=True):
    """Notes how a resource is made and whether it is, in the shared or the local collection."""
    key = ops.GraphKeys.RESOURCES if is_shared else ops.GraphKeys.LOCAL_RESOURCES
    ops.add_to_collection(key, _Resource(handle, create_op, is_initialized_op))


def shared_resources():
    """The resources that all tasks see."""
    return ops.get_collection(ops.GraphKeys.RESOURCES)


def local_resources():
    """The resources of this task."""
    return ops.get_collection(ops.GraphKeys.LOCAL_RESOURCES)


def report_uninitialized_resources(resource_list=None, name="report_uninitialized_resources"):
    """The names (a string vector) of resources that are not there yet."""
    if resource_list is None:
        resource_list = shared_resources() + local_resources()
    with ops.name_scope(name), ops.device("/cpu:0"):
        if not resource_list:
            return array_ops.constant([], dtype=dtypes.string)
        missing = math_ops.logical_not(array_ops.stack([resource.is_initialized for resource in resource_list]))
        names = array_ops.constant([resource.handle.name for resource in resource_list])
        return array_ops.boolean_mask(names, missing)


def initialize_resources(resource_list, name="init"):
    """An operation that makes the resources."""
    if resource_list:
        return control_flow_ops.group(*[resource.create for resource in resource_list], name=name)
    return control_flow_ops.no_op(name=name)


def initialize_tables(name="init_all_tables"):
    """An operation that fills the tables of the graph."""
    return control_flow_ops.group(*ops.get_collection(ops.GraphKeys.TABLE_INITIALIZERS), name=name)
