"""Clusters, and servers of the tasks of one."""

import os
import sys

# _graph tells the core how to raise errors.
from tenon import _core, _graph  # noqa: F401
from tenon.python.framework import errors
from tenon.python.framework import proto as messages
from tenon.python.training import draining
from tenon.python.util.tf_export import tf_export


@tf_export("train.ClusterSpec")
class ClusterSpec:
    """The jobs of a cluster: a dict from names to lists of addresses, or to dicts from task numbers to addresses.

    A ClusterDef or another ClusterSpec does too.
    """

    def __init__(self, cluster):
        if isinstance(cluster, messages.ClusterDef):
            self._spec = {job.name: dict(job.tasks) for job in cluster.job}
        elif isinstance(cluster, ClusterSpec):
            self._spec = {job: dict(tasks) for job, tasks in cluster._spec.items()}
        elif isinstance(cluster, dict):
            self._spec = {}
            for job, tasks in cluster.items():
                if isinstance(tasks, (list, tuple)):
                    self._spec[job] = dict(enumerate(tasks))
                elif isinstance(tasks, dict):
                    self._spec[job] = dict(tasks)
                else:
                    raise TypeError(
                        f"The tasks for job {job!r} must be a list or a dictionary from integers to strings."
                    )
        else:
            raise TypeError("`cluster` must be a dictionary mapping one or more job names to lists of network "
                            "addresses, or "
                            "a `ClusterDef` protocol buffer")  # fmt: skip
        self._check()
        self._cluster_def = messages.ClusterDef()
        for job in sorted(self._spec):
            made = self._cluster_def.job.add(name=job)
            for index, address in sorted(self._spec[job].items()):
                made.tasks[index] = address

    def _check(self):
        for job, tasks in self._spec.items():
            if not isinstance(job, str):
                raise TypeError(f"Job name {job!r} must be a string")
            for index, address in tasks.items():
                if not isinstance(index, int):
                    raise TypeError(f"Task index {index!r} must be an integer")
                if not isinstance(address, str):
                    raise TypeError(f"Task address {address!r} must be bytes or unicode")

    def __bool__(self):
        return bool(self._cluster_def.job)

    __nonzero__ = __bool__

    def __eq__(self, other):
        return isinstance(other, ClusterSpec) and self._spec == other._spec

    __hash__ = None

    def __repr__(self):
        inner = ", ".join(f"{job!r}: {tasks!r}" for job, tasks in sorted(self.as_dict().items()))
        return "ClusterSpec({" + inner + "})"

    __str__ = __repr__

    def as_dict(self):
        """{job: list of addresses}; a dict by task where there are gaps."""
        found = {}
        for job in self.jobs:
            indices = self.task_indices(job)
            dense = list(indices) == list(range(len(indices)))
            found[job] = [self._spec[job][i] for i in indices] if dense else dict(self._spec[job])
        return found

    @property
    def jobs(self):
        """The names of the jobs."""
        return list(self._spec)

    def _tasks(self, job_name):
        if job_name not in self._spec:
            raise ValueError(f"No such job in cluster: {job_name!r}")
        return self._spec[job_name]

    def num_tasks(self, job_name):
        """How many tasks a job has."""
        return len(self._tasks(job_name))

    def task_indices(self, job_name):
        """The numbers of a job's tasks."""
        return sorted(self._tasks(job_name))

    def task_address(self, job_name, task_index):
        """The address of a task."""
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name):
        """A job's addresses by task number; None in gaps."""
        tasks = self._tasks(job_name)
        return [tasks.get(i) for i in range(max(tasks) + 1)] if tasks else []

    def as_cluster_def(self):
        """The ClusterDef."""
        return self._cluster_def


def _make_server_def(server_or_cluster_def, job_name, task_index, protocol, config):
    made = messages.ServerDef()
    if isinstance(server_or_cluster_def, messages.ServerDef):
        made.CopyFrom(server_or_cluster_def)
        if job_name is not None:
            made.job_name = job_name
        if task_index is not None:
            made.task_index = task_index
        if protocol is not None:
            made.protocol = protocol
        if not made.job_name or not made.protocol:
            raise ValueError("`server_or_cluster_def` must be a ServerDef with job_name and protocol set")
    else:
        made.cluster.CopyFrom(ClusterSpec(server_or_cluster_def).as_cluster_def())
        if job_name is None:
            if len(made.cluster.job) != 1:
                raise ValueError("Must specify an explicit `job_name`.")
            job_name = made.cluster.job[0].name
        tasks = next((job.tasks for job in made.cluster.job if job.name == job_name), None)
        if task_index is None:
            if tasks is None or len(tasks) != 1:
                raise ValueError("Must specify an explicit `task_index`.")
            task_index = next(iter(tasks))
        made.job_name, made.task_index, made.protocol = job_name, task_index, protocol or "grpc"
    if config is not None:
        made.default_session_config.MergeFrom(config)
    return made


@tf_export("train.Server", "distribute.Server")
class Server:
    """A task of a cluster: it runs parts of graphs for sessions, holds variables, and is a master that sessions connect
    to. It listens at its task's address, where port 0 is any free one; at addresses that other machines reach only if
    the environment has TENON_OPEN set."""

    def __init__(self, server_or_cluster_def, job_name=None, task_index=None, protocol=None, config=None, start=True):
        self._server_def = _make_server_def(server_or_cluster_def, job_name, task_index, protocol, config)
        self._core = None
        if start:
            self.start()

    def start(self):
        """Starts it, if it was not."""
        if self._core is None:
            made, config = self._server_def, self._server_def.default_session_config
            self._core = _core.Server(made.cluster.SerializeToString(), made.job_name, made.task_index,
                                      config.intra_op_parallelism_threads, config.inter_op_parallelism_threads,
                                      bool(os.environ.get("TENON_OPEN")))  # fmt: skip
            monitor = sys.modules.get("tenon._task_monitor")
            if monitor:
                monitor.server_started(self)

    def join(self):
        """Waits until the server is stopped: as a rule, until the process is ended. SIGTERM ends it, by SystemExit,
        once the sessions that use it have ended, or after TENON_GRACE seconds (25)."""
        if self._core is None:
            raise errors.FailedPreconditionError(None, None, "Server has not been started")
        monitor = sys.modules.get("tenon._task_monitor")
        with draining.serving(self._core):
            while not self._core.join(200):
                if monitor:
                    monitor.tell_traffic()

    @property
    def server_def(self):
        """The ServerDef."""
        return self._server_def

    @property
    def target(self):
        """What a Session takes as its target."""
        return self._core.target if self._core is not None else ""

    @staticmethod
    def create_local_server(config=None, start=True):
        """A server of a cluster that is only this process."""
        return Server({"localhost": ["localhost:0"]}, protocol="grpc", config=config, start=start)
