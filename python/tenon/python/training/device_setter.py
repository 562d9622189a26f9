"""tf.train.replica_device_setter: variables to parameter servers, the rest to workers."""

from tenon.python.training import server_lib
from tenon.python.util.tf_export import tf_export

STANDARD_PS_OPS = ("Variable", "VariableV2", "AutoReloadVariable", "MutableHashTable", "MutableHashTableV2",
                   "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", "MutableDenseHashTable",
                   "MutableDenseHashTableV2", "VarHandleOp", "BoostedTreesEnsembleResourceHandleOp",
                   "BoostedTreesQuantileStreamResourceHandleOp", "ResourceConditionalAccumulator",
                   "DecisionTreeResource")  # fmt: skip


class _RoundRobinStrategy:
    """The next parameter server for each variable in turn."""

    def __init__(self, num_tasks):
        self._num_tasks, self._next_task = num_tasks, 0

    def __call__(self, unused_op):
        task = self._next_task
        self._next_task = (self._next_task + 1) % self._num_tasks
        return task


@tf_export("contrib.training.GreedyLoadBalancingStrategy")
class GreedyLoadBalancingStrategy:
    """The parameter server with the least load so far; load_fn(op) says what an op adds."""

    def __init__(self, num_tasks, load_fn):
        self._load_fn, self._ps_loads = load_fn, [0.0] * num_tasks

    def __call__(self, op):
        task = self._ps_loads.index(min(self._ps_loads))
        self._ps_loads[task] += self._load_fn(op)
        return task


@tf_export("contrib.training.byte_size_load_fn")
def byte_size_load_fn(op):
    """The bytes of the one output of OP, whose shape must be known."""
    if len(op.outputs) != 1:
        raise ValueError(f"Op {op} must have a single output")
    output = op.outputs[0]
    shape = output.get_shape()
    shape.assert_is_fully_defined()
    return shape.num_elements() * output.dtype.size


def _parts(device):
    """A device name as {part: value}: job, replica, task, device."""
    found = {}
    for part in (device or "").split("/"):
        key, _, value = part.partition(":")
        if not part:
            continue
        if key in ("job", "replica", "task"):
            found[key] = value
        elif key == "device":
            found["device"] = value
        else:
            found["device"] = part.upper()
    return found


def _text(parts):
    return "".join(f"/{key}:{parts[key]}" for key in ("job", "replica", "task", "device") if key in parts)


class _ReplicaDeviceChooser:
    """Says where an op goes."""

    def __init__(self, ps_tasks, ps_device, worker_device, merge_devices, ps_ops, ps_strategy):
        self._ps_tasks, self._ps_device, self._worker_device = ps_tasks, ps_device, worker_device
        self._merge_devices, self._ps_ops, self._ps_strategy = merge_devices, ps_ops, ps_strategy

    def device_function(self, op):
        """The device of OP."""
        if not self._merge_devices and op.device:
            return op.device
        current = _parts(op.device)
        if self._ps_tasks and self._ps_device and op.type in self._ps_ops:
            wanted = _parts(self._ps_device)
            if (current.get("job") or wanted.get("job")) == wanted.get("job"):
                wanted["task"] = str(self._ps_strategy(op))
            return _text({**wanted, **current})
        return _text({**_parts(self._worker_device or ""), **current})


@tf_export("train.replica_device_setter")
def replica_device_setter(ps_tasks=0, ps_device="/job:ps", worker_device="/job:worker", merge_devices=True,
                          cluster=None, ps_ops=None, ps_strategy=None):  # fmt: skip
    """A device function for tf.device: variables go to the PS_TASKS (or CLUSTER's) parameter servers in turn.

    None where there are no parameter servers.
    """
    if cluster is not None:
        if isinstance(cluster, server_lib.ClusterSpec):
            spec = cluster.as_dict()
        else:
            spec = server_lib.ClusterSpec(cluster).as_dict()
        job = _parts(ps_device).get("job")
        if not job or job not in spec or not spec[job]:
            return None
        ps_tasks = len(spec[job])
    if ps_tasks == 0:
        return None
    if ps_ops is None:
        ps_ops = list(STANDARD_PS_OPS)
    if not merge_devices:
        from tenon.python.platform import tf_logging as logging

        logging.warning("DEPRECATION: It is recommended to set merge_devices=true in replica_device_setter")
    if ps_strategy is None:
        ps_strategy = _RoundRobinStrategy(ps_tasks)
    if not callable(ps_strategy):
        raise TypeError("ps_strategy must be callable")
    chooser = _ReplicaDeviceChooser(ps_tasks, ps_device, worker_device, merge_devices, ps_ops, ps_strategy)
    return chooser.device_function


__all__ = ["GreedyLoadBalancingStrategy", "byte_size_load_fn", "replica_device_setter"]
