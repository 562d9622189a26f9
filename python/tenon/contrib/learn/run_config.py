"""contrib.learn.RunConfig: tf.estimator's, with what sessions got of it before."""

from tenon.python.estimator import run_config as core
from tenon.python.framework import proto as messages
from tenon.python.util.tf_export import tf_export

TaskType = core.TaskType
TF_EXPORTS = {"contrib.learn.TaskType": "TaskType"}


@tf_export("contrib.learn.RunConfig", "contrib.learn.estimators.run_config.RunConfig")
class RunConfig(core.RunConfig):
    """The folder, the seed, how often to save, summarise and log, and the sessions' settings."""

    _uid_whitelist = ["tf_random_seed", "save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs"]

    def __init__(self, master=None, num_cores=0, log_device_placement=False, gpu_memory_fraction=1,
                 tf_random_seed=None, save_summary_steps=100, save_checkpoints_secs=core._UNSET,
                 save_checkpoints_steps=None, keep_checkpoint_max=5, keep_checkpoint_every_n_hours=10000,
                 log_step_count_steps=100, protocol=None, evaluation_master="", model_dir=None,
                 session_config=None):  # fmt: skip
        if save_checkpoints_secs is core._UNSET:
            save_checkpoints_secs = 600 if save_checkpoints_steps is None else None
        super().__init__(
            model_dir=model_dir, tf_random_seed=tf_random_seed, save_summary_steps=save_summary_steps,
            save_checkpoints_steps=save_checkpoints_steps, save_checkpoints_secs=save_checkpoints_secs,
            session_config=session_config, keep_checkpoint_max=keep_checkpoint_max,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours, log_step_count_steps=log_step_count_steps,
            protocol=protocol,
        )  # fmt: skip
        if master is not None:
            self._master = master
        self._evaluation_master = self._evaluation_master or evaluation_master
        self._tf_config = messages.ConfigProto(
            log_device_placement=log_device_placement, inter_op_parallelism_threads=num_cores,
            intra_op_parallelism_threads=num_cores,
        )  # fmt: skip
        self._tf_config.gpu_options.per_process_gpu_memory_fraction = gpu_memory_fraction

    @property
    def tf_config(self):
        """The ConfigProto of the settings."""
        return self._tf_config

    def uid(self, whitelist=None):
        """A text by which two configurations can be told apart."""
        left_out = self._uid_whitelist if whitelist is None else whitelist
        told = {key: value for key, value in self._values.items() if key not in left_out and value is not None}
        return ", ".join(f"{key}={value!r}" for key, value in sorted(told.items()))
