"""tf.data.Options: hints how a dataset should run; they are kept and handed on."""

from tenon.python.util.tf_export import tf_export


class _Options:
    """Attributes that may be set and are None before."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    def merge(self, other):
        """Both, OTHER's where they differ."""
        made = type(self)()
        made.__dict__.update({**self.__dict__, **{k: v for k, v in other.__dict__.items() if v is not None}})
        return made

    def __eq__(self, other):
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self):
        return id(self)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in sorted(self.__dict__.items()))})"


@tf_export("data.experimental.OptimizationOptions")
class OptimizationOptions(_Options):
    """Which rewrites are wanted."""


@tf_export("data.experimental.ThreadingOptions", "data.ThreadingOptions")
class ThreadingOptions(_Options):
    """How many threads are wanted."""


@tf_export("data.experimental.DistributeOptions")
class DistributeOptions(_Options):
    """How a dataset is shared out among workers."""


@tf_export("data.experimental.StatsOptions")
class StatsOptions(_Options):
    """What is to be measured."""


@tf_export("data.Options")
class Options(_Options):
    """Hints for a dataset."""

    def __init__(self):
        self.experimental_optimization = OptimizationOptions()
        self.experimental_threading = ThreadingOptions()
        self.experimental_distribute = DistributeOptions()
        self.threading = self.experimental_threading
