"""tf.data.Options: hints how a dataset should run; they are kept and handed on, and none changes what comes out."""

import enum

from tenon.python.util.tf_export import tf_export


@tf_export("data.experimental.AutoShardPolicy")
class AutoShardPolicy(enum.IntEnum):
    """How a dataset is shared out among workers."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class _Options:
    """The attributes that `_NAMES` tells, which may be set and are None before; others are refused."""

    _NAMES = ()
    _DEFAULTS = {}

    def __init__(self):
        self.__dict__["_values"] = {name: make() for name, make in self._DEFAULTS.items()}

    def __setattr__(self, name, value):
        if name not in self._NAMES:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        self._values[name] = value

    def merge(self, other):
        """Both, OTHER's where they differ."""
        made = type(self)()
        for name in self._NAMES:
            mine, theirs = self._values.get(name), other._values.get(name)
            if isinstance(mine, _Options) and isinstance(theirs, _Options):
                made._values[name] = mine.merge(theirs)
            else:
                made._values[name] = mine if theirs is None else theirs
        return made

    def __eq__(self, other):
        return type(self) is type(other) and all(
            self._values.get(name) == other._values.get(name) for name in self._NAMES
        )

    def __hash__(self):
        return id(self)

    def __repr__(self):
        inner = ", ".join(f"{k}={v!r}" for k, v in sorted(self._values.items()))
        return f"{type(self).__name__}({inner})"


def _named(cls):
    """A class decorator: each of `_NAMES` is a property."""
    for name in cls._NAMES:
        setattr(cls, name, property(lambda self, name=name: self._values.get(name)))
        setattr(cls, name, getattr(cls, name).setter(lambda self, value, name=name: self._values.update({name: value})))
    return cls


@tf_export("data.experimental.OptimizationOptions")
@_named
class OptimizationOptions(_Options):
    """Which rewrites are wanted."""

    _NAMES = ("apply_default_optimizations", "autotune", "autotune_algorithm", "autotune_cpu_budget", "filter_fusion",
              "filter_parallelization", "filter_with_random_uniform_fusion", "hoist_random_uniform", "inject_prefetch",
              "map_and_batch_fusion", "map_and_filter_fusion", "map_fusion", "map_parallelization", "map_vectorization",
              "noop_elimination", "parallel_batch", "seq_interleave_prefetch",
              "shuffle_and_repeat_fusion")  # fmt: skip


@tf_export("data.experimental.ThreadingOptions", "data.ThreadingOptions")
@_named
class ThreadingOptions(_Options):
    """How many threads are wanted."""

    _NAMES = ("max_intra_op_parallelism", "private_threadpool_size")


@tf_export("data.experimental.DistributeOptions")
@_named
class DistributeOptions(_Options):
    """How a dataset is shared out among workers."""

    _NAMES = ("auto_shard", "auto_shard_policy", "num_devices")
    _DEFAULTS = {"auto_shard_policy": lambda: AutoShardPolicy.AUTO}


@tf_export("data.experimental.StatsOptions")
@_named
class StatsOptions(_Options):
    """What is to be measured."""

    _NAMES = ("aggregator", "prefix", "counter_prefix", "latency_all_edges")


@tf_export("data.Options")
@_named
class Options(_Options):
    """Hints for a dataset."""

    _NAMES = ("deterministic", "experimental_deterministic", "experimental_distribute", "experimental_optimization",
              "experimental_slack", "experimental_stats", "experimental_threading", "threading", "autotune",
              "dataset_name", "experimental_external_state_policy", "framework_type")  # fmt: skip
    _DEFAULTS = {"experimental_distribute": DistributeOptions, "experimental_optimization": OptimizationOptions,
                 "experimental_stats": StatsOptions, "experimental_threading": ThreadingOptions}  # fmt: skip

    def __init__(self):
        super().__init__()
        self._values["threading"] = self._values["experimental_threading"]

    def merge(self, other):
        """Both, OTHER's where they differ."""
        made = super().merge(other)
        made._values["threading"] = made._values["experimental_threading"]
        return made
