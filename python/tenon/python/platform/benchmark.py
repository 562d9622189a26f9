"""Benchmarks inside of tests."""

import time

from tenon.python.util.tf_export import tf_export


@tf_export("test.Benchmark")
class Benchmark:
    """Measures steps: run_op_benchmark in methods called benchmark..."""

    def __init__(self):
        self.reports = []

    @classmethod
    def is_abstract(cls):
        """True for Benchmark itself."""
        return cls is Benchmark

    def evaluate(self, tensors):
        """The values of TENSORS in the default session."""
        from tenon.python.framework import ops

        return ops.get_default_session().run(tensors)

    def report_benchmark(self, iters=None, cpu_time=None, wall_time=None, throughput=None, extras=None, name=None,
                         metrics=None):  # fmt: skip
        """Keeps and prints a result."""
        result = {"name": name or type(self).__name__, "iters": iters, "wall_time": wall_time, **(extras or {})}
        self.reports.append(result)
        print(result)

    def run_op_benchmark(self, sess, op_or_tensor, feed_dict=None, burn_iters=2, min_iters=10, store_trace=False,
                         store_memory_usage=True, name=None, extras=None, mbs=0):  # fmt: skip
        """Runs a step MIN_ITERS times after BURN_ITERS; returns and reports the median time in seconds."""
        times = []
        for i in range(burn_iters + min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            if i >= burn_iters:
                times.append(time.perf_counter() - start)
        times.sort()
        middle = times[len(times) // 2]
        result = {"iters": min_iters, "wall_time": middle, "extras": extras or {}}
        self.report_benchmark(iters=min_iters, wall_time=middle, name=name, extras=extras)
        return result


@tf_export("test.benchmark_config")
def benchmark_config():
    """A ConfigProto for benchmarks."""
    from tenon.python.framework.proto import ConfigProto

    return ConfigProto()
