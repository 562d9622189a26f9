"""Cluster resolvers: who tells what tasks a cluster has."""

import json
import os

from tenon.python.training import server_lib
from tenon.python.util.tf_export import tf_export


def format_master_url(master, rpc_layer=None):
    """The address of a task as sessions take it."""
    return f"{rpc_layer}://{master}" if rpc_layer and master else master


@tf_export("distribute.cluster_resolver.ClusterResolver", "contrib.cluster_resolver.ClusterResolver")
class ClusterResolver:
    """The base class."""

    task_type = task_id = rpc_layer = None
    environment = ""

    def cluster_spec(self):
        """The ClusterSpec."""
        raise NotImplementedError

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address that a session is opened at; "" for this process."""
        raise NotImplementedError

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """{kind: number} of the accelerators that each task has: none."""
        return {}

    def _address(self, task_type, task_id, rpc_layer):
        task_type = self.task_type if task_type is None else task_type
        task_id = self.task_id if task_id is None else task_id
        if task_type is None or task_id is None:
            return ""
        return format_master_url(self.cluster_spec().task_address(task_type, task_id), rpc_layer or self.rpc_layer)


@tf_export("distribute.cluster_resolver.SimpleClusterResolver", "contrib.cluster_resolver.SimpleClusterResolver")
class SimpleClusterResolver(ClusterResolver):
    """A ClusterSpec that is given."""

    def __init__(self, cluster_spec, master="", task_type=None, task_id=None, environment="", num_accelerators=None,
                 rpc_layer=None):  # fmt: skip
        if not isinstance(cluster_spec, server_lib.ClusterSpec):
            raise TypeError("cluster_spec must be a `tf.train.ClusterSpec`.")
        if not isinstance(master, str):
            raise TypeError("master must be a string.")
        self._cluster_spec, self._master, self._accelerators = cluster_spec, master, num_accelerators or {}
        self.task_type, self.task_id, self.environment, self.rpc_layer = task_type, task_id, environment, rpc_layer

    def cluster_spec(self):
        """The ClusterSpec that was given."""
        return self._cluster_spec

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address of a task, or the one that was given."""
        if task_type is not None and task_id is not None:
            return self._address(task_type, task_id, rpc_layer)
        return format_master_url(self._master, rpc_layer or self.rpc_layer)

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None):
        """What was given."""
        return dict(self._accelerators)


@tf_export("distribute.cluster_resolver.TFConfigClusterResolver", "contrib.cluster_resolver.TFConfigClusterResolver")
class TFConfigClusterResolver(ClusterResolver):
    """What the environment variable TF_CONFIG says."""

    def __init__(self, task_type=None, task_id=None, rpc_layer=None, environment=None):
        told = self._told()
        task = told.get("task", {})
        self.task_type = task.get("type") if task_type is None else task_type
        number = task.get("index") if task_id is None else task_id
        self.task_id = None if number is None else int(number)
        self.rpc_layer = told.get("rpc_layer") if rpc_layer is None else rpc_layer
        self.environment = told.get("environment", "") if environment is None else environment

    @staticmethod
    def _told():
        return json.loads(os.environ.get("TF_CONFIG") or "{}")

    def cluster_spec(self):
        """The cluster of TF_CONFIG, which may be empty."""
        return server_lib.ClusterSpec(self._told().get("cluster", {}))

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """The address of a task; of no cluster ""."""
        told = self._told()
        if "session_master" in told and task_type is None and task_id is None:
            return told["session_master"]
        spec = self.cluster_spec()
        if not spec.jobs or (len(spec.jobs) == 1 and len(spec.job_tasks(spec.jobs[0])) == 1):
            return ""
        return self._address(task_type, task_id, rpc_layer)


@tf_export("distribute.cluster_resolver.UnionResolver", "contrib.cluster_resolver.UnionClusterResolver")
class UnionClusterResolver(ClusterResolver):
    """The tasks of several resolvers; the first one says where the master is."""

    def __init__(self, *args, **kwargs):
        if not args:
            raise ValueError("At least one ClusterResolver is required.")
        for resolver in args:
            if not isinstance(resolver, ClusterResolver):
                raise TypeError("All arguments must be a sub-class of `ClusterResolver.`")
        self._resolvers = args
        for name in ("task_type", "task_id", "rpc_layer"):
            setattr(self, name, kwargs.get(name) or getattr(args[0], name))
        self.environment = args[0].environment

    def cluster_spec(self):
        """The jobs of all. KeyError if two have a task of the same number."""
        jobs = {}
        for resolver in self._resolvers:
            for job, tasks in resolver.cluster_spec().as_dict().items():
                pairs = tasks.items() if isinstance(tasks, dict) else enumerate(tasks)
                given = isinstance(tasks, dict)
                if job in jobs and (given or jobs[job][0]):
                    clash = set(jobs[job][1]) & {number for number, _ in pairs}
                    if clash:
                        raise KeyError(f"Duplicate tasks detected in job {job}: {sorted(clash)}")
                    jobs[job][1].update(pairs)
                    jobs[job][0] = True
                elif job in jobs:
                    known = jobs[job][1]
                    for _, address in pairs:
                        if address not in known.values():
                            known[len(known)] = address
                else:
                    jobs[job] = [given, dict(pairs)]
        return server_lib.ClusterSpec(
            {job: known if given else [known[i] for i in range(len(known))] for job, (given, known) in jobs.items()}
        )

    def master(self, task_type=None, task_id=None, rpc_layer=None):
        """What the first resolver says."""
        if task_type is not None and task_id is not None:
            return self._address(task_type, task_id, rpc_layer)
        return self._resolvers[0].master(rpc_layer=rpc_layer)


@tf_export("distribute.cluster_resolver.TPUClusterResolver", "contrib.cluster_resolver.TPUClusterResolver")
class TPUClusterResolver(ClusterResolver):
    """Fails: there is no TPU."""

    def __init__(self, tpu=None, *args, **kwargs):
        raise NotImplementedError(f"TPUClusterResolver: no TPU is reached from here (tpu={tpu!r})")
