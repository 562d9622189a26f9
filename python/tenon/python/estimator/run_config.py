"""How an Estimator runs."""

from tenon.python.util.tf_export import tf_export


@tf_export("estimator.RunConfig", "contrib.learn.RunConfig")
class RunConfig:
    """The folder, the seed, how often to save, summarise and log."""

    def __init__(self, model_dir=None, tf_random_seed=None, save_summary_steps=100, save_checkpoints_steps=None,
                 save_checkpoints_secs=None, session_config=None, keep_checkpoint_max=5,
                 keep_checkpoint_every_n_hours=10000, log_step_count_steps=100):  # fmt: skip
        if save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError("Can not provide both save_checkpoints_steps and save_checkpoints_secs.")
        if save_checkpoints_steps is None and save_checkpoints_secs is None:
            save_checkpoints_secs = 600
        self.model_dir, self.tf_random_seed = model_dir, tf_random_seed
        self.save_summary_steps, self.session_config = save_summary_steps, session_config
        self.save_checkpoints_steps, self.save_checkpoints_secs = save_checkpoints_steps, save_checkpoints_secs
        self.keep_checkpoint_max = keep_checkpoint_max
        self.keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self.log_step_count_steps = log_step_count_steps
        self.is_chief, self.master, self.task_type, self.task_id = True, "", "worker", 0
        self.num_worker_replicas, self.num_ps_replicas = 1, 0

    def replace(self, **changes):
        """A copy with other values."""
        made = RunConfig.__new__(type(self))
        made.__dict__.update(self.__dict__)
        for name, value in changes.items():
            if name not in self.__dict__:
                raise ValueError(f"{name} is not a property of RunConfig")
            setattr(made, name, value)
        return made
