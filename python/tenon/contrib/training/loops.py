"""A plain training loop, and small parts of others."""

import hashlib

from tenon.contrib.slim import learning
from tenon.python.training import checkpoint_management, monitored_session
from tenon.python.util.tf_export import tf_export

checkpoints_iterator = checkpoint_management.checkpoints_iterator
TF_EXPORTS = {"contrib.training.checkpoints_iterator": "checkpoints_iterator"}


@tf_export("contrib.training.clip_gradient_norms_fn")
def clip_gradient_norms_fn(max_norm):
    """clip_gradient_norms to MAX_NORM, as a function of gradients with their variables."""
    return lambda gradients_to_variables: learning.clip_gradient_norms(gradients_to_variables, max_norm)


@tf_export("contrib.training.train")
def train(train_op, logdir, master="", is_chief=True, scaffold=None, hooks=None, chief_only_hooks=None,
          save_checkpoint_secs=600, save_summaries_steps=100, config=None, max_wait_secs=7200,
          run_metadata=None):  # fmt: skip
    """Runs TRAIN_OP until a hook stops it, with checkpoints and summaries in LOGDIR; the last loss."""
    if logdir is None and is_chief:
        for name, value in (
            ("save_summaries_steps", save_summaries_steps),
            ("save_checkpoint_secs", save_checkpoint_secs),
        ):
            if value:
                raise ValueError(f"logdir cannot be None when {name} is not None")
    loss = None
    with monitored_session.MonitoredTrainingSession(
        master=master, is_chief=is_chief, checkpoint_dir=logdir, scaffold=scaffold, hooks=hooks,
        chief_only_hooks=chief_only_hooks, save_checkpoint_secs=save_checkpoint_secs,
        save_summaries_steps=save_summaries_steps, config=config, max_wait_secs=max_wait_secs,
    ) as session:  # fmt: skip
        while not session.should_stop():
            loss = session.run(train_op, run_metadata=run_metadata)
    return loss


@tf_export("contrib.training.RandomStrategy")
class RandomStrategy:
    """Deals operations out to parameter servers by a hash of their names."""

    def __init__(self, num_ps_tasks, seed=0):
        self._num_tasks, self._seed = num_ps_tasks, seed

    def __call__(self, op):
        key = f"{op.name}_{self._seed}".encode()
        return int(hashlib.md5(key, usedforsecurity=False).hexdigest(), 16) % self._num_tasks
