"""How an Estimator runs: what it keeps and says, and its place in a cluster, which TF_CONFIG tells."""

import copy
import inspect
import json
import os

from tenon.python.framework import proto as messages
from tenon.python.platform import tf_logging as logging
from tenon.python.training import server_lib
from tenon.python.util.tf_export import tf_export

_UNSET = object()
_BOTH = "`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set."
_FROM = "\n\nNote that these values may be coming from the TF_CONFIG environment variable."
# What replace() takes: the arguments of the constructor.
_REPLACEABLE = ["model_dir", "tf_random_seed", "save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs",
                "session_config", "keep_checkpoint_max", "keep_checkpoint_every_n_hours", "log_step_count_steps",
                "train_distribute", "device_fn", "protocol", "eval_distribute", "experimental_distribute",
                "experimental_max_worker_delay_secs", "session_creation_timeout_secs"]  # fmt: skip


class TaskType:
    """The roles of a cluster's tasks."""

    MASTER = "master"
    PS = "ps"
    WORKER = "worker"
    CHIEF = "chief"
    EVALUATOR = "evaluator"


def _check(what, good, why):
    if not good:
        raise ValueError(f"{what} {why}")


def _checked(values):
    """ValueError for properties that can not be."""

    def bounded(name, least, sign):
        value = values[name]
        _check(name, value is None or (value > 0 if sign == ">" else value >= least), f"should be {sign} 0")

    for name in ("save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs", "keep_checkpoint_max"):
        bounded(name, 0, ">=")
    for name in ("keep_checkpoint_every_n_hours", "log_step_count_steps", "session_creation_timeout_secs"):
        bounded(name, 0, ">")
    _check("model_dir", values["model_dir"] is None or values["model_dir"] != "", "should be non-empty.")
    seed = values["tf_random_seed"]
    _check("tf_random_seed", seed is None or hasattr(seed, "__index__"), "must be integer.")
    config = values["session_config"]
    _check(
        "session_config", config is None or isinstance(config, messages.ConfigProto), "must be instance of ConfigProto"
    )
    function = values["device_fn"]
    takes_op = function is None or (callable(function) and list(inspect.signature(function).parameters) == ["op"])
    _check("device_fn", takes_op, 'must be callable with exactly one argument "op".')
    _check("protocol", values["protocol"] in (None, "grpc", "grpc+verbs"), "should be grpc or grpc+verbs")


def _task_of(told, cluster):
    """(type, number) of this task. ValueError if the cluster has none such."""
    task = told.get("task", {})
    kind, number = task.get("type"), task.get("index")
    if not cluster:
        kind, number = kind or TaskType.WORKER, int(number or 0)
        _check('If "cluster" is not set in TF_CONFIG, task type', kind in (TaskType.WORKER, TaskType.EVALUATOR),
               "must be WORKER.")  # fmt: skip
        _check('If "cluster" is not set in TF_CONFIG, task index', number == 0, "must be 0.")
        return kind, number
    _check('If "cluster" is set in TF_CONFIG, task type', kind is not None, "must be set.")
    _check('If "cluster" is set in TF_CONFIG, task index', number is not None, "must be set.")
    number = int(number)
    _check("Task index", number >= 0, "must be non-negative number.")
    if kind != TaskType.EVALUATOR:
        _check(kind, kind in cluster.jobs, f"is not a valid task_type in the cluster_spec:\n{cluster}{_FROM}")
        _check(number, number in cluster.task_indices(kind),
               f"is not a valid task_id for task_type {kind} in the cluster_spec:\n{cluster}{_FROM}")  # fmt: skip
    return kind, number


def _global_id(cluster, kind, number):
    """The number of a task among all: chief first, then workers, then the others by name."""
    order = [job for job in (TaskType.CHIEF, TaskType.MASTER, TaskType.WORKER) if job in cluster.jobs]
    order += sorted(set(cluster.jobs) - set(order))
    return sum(cluster.num_tasks(job) for job in order[: order.index(kind)]) + number


def _filtered_config(kind, number):
    """A ConfigProto by which a task sees only itself and the parameter servers."""
    seen = {
        TaskType.WORKER: ["/job:ps", f"/job:worker/task:{number}"],
        TaskType.PS: ["/job:ps", "/job:worker", "/job:chief", "/job:master"],
    }.get(kind, ["/job:ps", f"/job:{kind}"])
    return default_session_config(seen)


def default_session_config(device_filters=()):
    """The ConfigProto of sessions where none is given."""
    config = messages.ConfigProto(allow_soft_placement=True, device_filters=device_filters)
    config.graph_options.rewrite_options.meta_optimizer_iterations = 1
    return config


@tf_export("estimator.RunConfig")
class RunConfig:
    """The folder, the seed, how often to save, summarise and log, and the cluster."""

    def __init__(self, model_dir=None, tf_random_seed=None, save_summary_steps=100, save_checkpoints_steps=_UNSET,
                 save_checkpoints_secs=_UNSET, session_config=None, keep_checkpoint_max=5,
                 keep_checkpoint_every_n_hours=10000, log_step_count_steps=100, train_distribute=None, device_fn=None,
                 protocol=None, eval_distribute=None, experimental_distribute=None,
                 experimental_max_worker_delay_secs=None, session_creation_timeout_secs=7200):  # fmt: skip
        if save_checkpoints_steps is _UNSET and save_checkpoints_secs is _UNSET:
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        elif save_checkpoints_secs is _UNSET:
            save_checkpoints_secs = None
        elif save_checkpoints_steps is _UNSET:
            save_checkpoints_steps = None
        elif save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError(_BOTH)
        given = locals()
        self._values = {name: given[name] for name in _REPLACEABLE}
        told = json.loads(os.environ.get("TF_CONFIG") or "{}")
        if told:
            logging.info("TF_CONFIG environment variable: %s", told)
        self._values["model_dir"] = self._directory(model_dir, told)
        _checked(self._values)
        self._place(told)

    @staticmethod
    def _directory(model_dir, told):
        model_dir = None if model_dir is None else os.fspath(model_dir)
        other = told.get("model_dir")
        _check("model_dir in TF_CONFIG", other != "", "should be non-empty.")
        if model_dir is not None and other is not None and model_dir != other:
            raise ValueError("`model_dir` provided in RunConfig construct, if set, must have the same value as the "
                             "model_dir in TF_CONFIG. "
                             f"model_dir: {model_dir}\nTF_CONFIG['model_dir']: {other}.\n")  # fmt: skip
        return model_dir if model_dir is not None else other

    def _place(self, told):
        """Reads this task's place in the cluster."""
        cluster = server_lib.ClusterSpec(told.get("cluster", {}))
        self._service = told.get("service")
        if self._service is not None and not isinstance(self._service, dict):
            raise TypeError('If "service" is set in TF_CONFIG, it must be a dict. Given {type(self._service)}')
        self._task_type, self._task_id = kind, number = _task_of(told, cluster)
        self._cluster_spec, self._evaluation_master = cluster, told.get("eval_session_master", "")
        self._master, self._num_ps_replicas, self._num_worker_replicas = told.get("session_master", ""), 0, 1
        self._is_chief, self._global_id_in_cluster = True, 0
        if kind == TaskType.EVALUATOR:
            self._cluster_spec, self._num_worker_replicas = server_lib.ClusterSpec({}), 0
            self._is_chief, self._global_id_in_cluster = False, None
            return
        if not cluster:
            return
        leaders = [job for job in (TaskType.CHIEF, TaskType.MASTER) if job in cluster.jobs]
        _check('If "cluster" is set in TF_CONFIG, it', bool(leaders), 'must have one "chief" node.')
        _check('The "cluster" in TF_CONFIG', cluster.num_tasks(leaders[0]) == 1, 'must have only one "chief" node.')
        several = sum(cluster.num_tasks(job) for job in cluster.jobs) > 1
        self._is_chief = kind in leaders
        self._global_id_in_cluster = _global_id(cluster, kind, number)
        protocol = self._values["protocol"] or "grpc"
        if several and not self._master:
            self._master = f"{protocol}://{cluster.task_address(kind, number)}"
        self._num_ps_replicas = cluster.num_tasks(TaskType.PS) if TaskType.PS in cluster.jobs else 0
        workers = cluster.num_tasks(TaskType.WORKER) if TaskType.WORKER in cluster.jobs else 0
        self._num_worker_replicas = workers + len(leaders)
        if self._values["session_config"] is None:
            self._values["session_config"] = _filtered_config(kind, number)

    def replace(self, **kwargs):
        """A copy with other values."""
        for name in kwargs:
            if name not in _REPLACEABLE:
                raise ValueError(f"Replacing {name} is not supported. Allowed properties are {_REPLACEABLE}.")
        steps, seconds = kwargs.get("save_checkpoints_steps"), kwargs.get("save_checkpoints_secs")
        if steps is not None and seconds is not None:
            raise ValueError(_BOTH)
        made = copy.copy(self)
        made._values = {**self._values, **kwargs}
        if steps is not None:
            made._values["save_checkpoints_secs"] = None
        elif seconds is not None:
            made._values["save_checkpoints_steps"] = None
        _checked(made._values)
        return made


def _value(name):
    return property(lambda self: self._values[name], doc=f"The argument {name}.")


def _place(name):
    return property(lambda self: getattr(self, "_" + name), doc=f"This task's {name}, from TF_CONFIG.")


for _name in _REPLACEABLE:
    if not _name.startswith("experimental_distribute"):
        setattr(RunConfig, _name, _value(_name))
for _name in ("cluster_spec", "evaluation_master", "global_id_in_cluster", "is_chief", "master", "num_ps_replicas",
              "num_worker_replicas", "service", "task_id", "task_type"):  # fmt: skip
    setattr(RunConfig, _name, _place(_name))
