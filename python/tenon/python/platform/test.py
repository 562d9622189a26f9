"""tf.test: what tests of graphs need."""

import socket
from unittest import mock

from tenon.python.framework.test_util import TestCase, assert_equal_graph_def, gpu_device_name, is_gpu_available
from tenon.python.ops.gradient_checker import compute_gradient, compute_gradient_error
from tenon.python.platform.benchmark import Benchmark
from tenon.python.platform.googletest import StubOutForTesting, get_temp_dir, main, test_src_dir_path
from tenon.python.util.tf_export import tf_export

tf_export("test.mock").export_constant(__name__, "mock")

__all__ = [
    "Benchmark", "StubOutForTesting", "TestCase", "assert_equal_graph_def", "compute_gradient",
    "compute_gradient_error", "get_temp_dir", "gpu_device_name", "is_gpu_available", "main", "mock",
    "test_src_dir_path",
]  # fmt: skip


@tf_export("test.create_local_cluster")
def create_local_cluster(num_workers, num_ps, protocol="grpc", worker_config=None, ps_config=None):
    """(worker servers, parameter servers) of a cluster in this process."""
    from tenon.python.training import server_lib

    def port():
        with socket.socket() as s:
            s.bind(("localhost", 0))
            return s.getsockname()[1]

    jobs = {"worker": [f"localhost:{port()}" for _ in range(num_workers)],
            "ps": [f"localhost:{port()}" for _ in range(num_ps)]}  # fmt: skip
    spec = server_lib.ClusterSpec(jobs)
    made = {job: [server_lib.Server(spec, job_name=job, protocol=protocol, task_index=i, config=config, start=True)
                  for i in range(count)]
            for job, count, config in (("worker", num_workers, worker_config), ("ps", num_ps, ps_config))}  # fmt: skip
    return made["worker"], made["ps"]
