"""Configurations of a TPUEstimator."""

import collections

from tenon.python.estimator import run_config
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.tpu.InputPipelineConfig", "estimator.tpu.InputPipelineConfig")
class InputPipelineConfig:
    """How input functions are called on TPU hosts."""

    PER_SHARD_V1, PER_HOST_V1, PER_HOST_V2, BROADCAST, SLICED = 1, 2, 3, 4, 5


_FIELDS = ["iterations_per_loop", "num_shards", "num_cores_per_replica", "per_host_input_for_training", "tpu_job_name",
           "initial_infeed_sleep_secs", "input_partition_dims", "eval_training_input_configuration",
           "experimental_host_call_every_n_steps"]  # fmt: skip


@tf_export("contrib.tpu.TPUConfig", "estimator.tpu.TPUConfig")
class TPUConfig(collections.namedtuple("TPUConfig", _FIELDS)):
    """What only a TPU heeds: how often to come back to the host, and how batches are split."""

    def __new__(cls, iterations_per_loop=2, num_shards=None, num_cores_per_replica=None,
                per_host_input_for_training=True, tpu_job_name=None, initial_infeed_sleep_secs=None,
                input_partition_dims=None, eval_training_input_configuration=InputPipelineConfig.PER_HOST_V1,
                experimental_host_call_every_n_steps=1):  # fmt: skip
        for name, value in (("iterations_per_loop", iterations_per_loop), ("num_shards", num_shards)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be a positive integer, but was {value}.")
        if num_cores_per_replica not in (None, 1, 2, 4, 8, 16):
            raise ValueError(f"num_cores_per_replica must be 1, 2, 4, 8, or 16; got {num_cores_per_replica}")
        if per_host_input_for_training is True:
            per_host_input_for_training = InputPipelineConfig.PER_HOST_V1
        elif per_host_input_for_training is False:
            per_host_input_for_training = InputPipelineConfig.PER_SHARD_V1
        return super().__new__(cls, iterations_per_loop, num_shards, num_cores_per_replica,
                               per_host_input_for_training, tpu_job_name, initial_infeed_sleep_secs,
                               input_partition_dims, eval_training_input_configuration,
                               experimental_host_call_every_n_steps)  # fmt: skip


@tf_export("contrib.tpu.RunConfig", "estimator.tpu.RunConfig")
class RunConfig(run_config.RunConfig):
    """A RunConfig with a TPUConfig, and where the TPU is."""

    def __init__(self, tpu_config=None, evaluation_master=None, master=None, cluster=None, **kwargs):
        super().__init__(**kwargs)
        self._tpu_config = tpu_config or TPUConfig()
        self._cluster = cluster
        if cluster is not None:
            if evaluation_master is not None or master is not None:
                raise ValueError("Both cluster and master are set.")
            self._cluster_spec, self._master = cluster.cluster_spec(), cluster.master()
            self._evaluation_master = self._master
            return
        if master is not None:
            self._master = master
        if evaluation_master is not None:
            self._evaluation_master = evaluation_master
        elif master is not None:
            self._evaluation_master = master

    @property
    def tpu_config(self):
        """The TPUConfig."""
        return self._tpu_config

    @property
    def cluster(self):
        """The cluster resolver."""
        return self._cluster

    def replace(self, **kwargs):
        """A copy with other values."""
        if "tpu_config" not in kwargs:
            return super().replace(**kwargs)
        tpu_config = kwargs.pop("tpu_config")
        made = super().replace(**kwargs)
        made._tpu_config = tpu_config
        return made
