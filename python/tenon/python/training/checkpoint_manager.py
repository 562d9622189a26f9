"""train.CheckpointManager: the newest few checkpoints of a folder."""

import os
import time

from tenon.python.framework import ops
from tenon.python.training import checkpoint_management
from tenon.python.util.tf_export import tf_export


@tf_export("train.CheckpointManager")
class CheckpointManager:
    """Saves CHECKPOINT in DIRECTORY and keeps the last MAX_TO_KEEP, and one for every so many hours."""

    def __init__(self, checkpoint, directory, max_to_keep, keep_checkpoint_every_n_hours=None, checkpoint_name="ckpt",
                 step_counter=None, checkpoint_interval=None, init_fn=None, last_checkpoint_step=None):  # fmt: skip
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
        self._checkpoint, self._directory, self._max_to_keep = checkpoint, directory, max_to_keep
        self._hours, self._name = keep_checkpoint_every_n_hours, checkpoint_name
        self._step_counter, self._interval, self._init_fn = step_counter, checkpoint_interval, init_fn
        self._last_step = last_checkpoint_step
        state = checkpoint_management.get_checkpoint_state(directory)
        self._latest = state.model_checkpoint_path if state else None
        stamps = list(state.all_model_checkpoint_timestamps) if state else []
        paths = list(state.all_model_checkpoint_paths) if state else []
        self._kept_since = (state.last_preserved_timestamp if state else 0) or time.time() - 1.0
        self._held = dict(zip(paths, stamps or [time.time()] * len(paths)))

    @property
    def directory(self):
        """The folder."""
        return self._directory

    @property
    def checkpoint(self):
        """What is saved."""
        return self._checkpoint

    @property
    def checkpoint_interval(self):
        """The least number of steps between two checkpoints."""
        return self._interval

    @property
    def latest_checkpoint(self):
        """The prefix of the newest checkpoint."""
        return self._latest

    @property
    def checkpoints(self):
        """The prefixes of the checkpoints that are kept, oldest first."""
        return list(self._held)

    def _step(self):
        from tenon.python.eager import context

        counter = self._step_counter
        return int(counter.numpy() if context.executing_eagerly() else ops.get_default_session().run(counter))

    def save(self, checkpoint_number=None, check_interval=True, options=None):
        """Writes a checkpoint and removes what is too old. None, if the interval is not over; else its prefix."""
        if check_interval and self._interval is not None:
            if self._last_step is not None and self._step() < self._last_step + self._interval:
                return None
            self._last_step = self._step()
        prefix = os.path.join(self._directory, self._name)
        if checkpoint_number is None:
            path = self._checkpoint.save(prefix)
        else:
            number = checkpoint_number if isinstance(checkpoint_number, int) else self._number(checkpoint_number)
            path = self._checkpoint.write(f"{prefix}-{number}")
        self._latest = path
        self._held.pop(path, None)
        self._held[path] = time.time()
        self._sweep()
        self._write_state()
        return path

    @staticmethod
    def _number(value):
        return int(value.numpy() if hasattr(value, "numpy") else ops.get_default_session().run(value))

    def _sweep(self):
        while self._max_to_keep is not None and len(self._held) > self._max_to_keep:
            path, stamp = next(iter(self._held.items()))
            del self._held[path]
            if self._hours and stamp - self._hours * 3600.0 >= self._kept_since:
                self._kept_since = stamp
            else:
                checkpoint_management.remove_checkpoint(path)

    def _write_state(self):
        checkpoint_management.update_checkpoint_state_internal(
            self._directory, self._latest, self.checkpoints, save_relative_paths=True,
            all_model_checkpoint_timestamps=list(self._held.values()), last_preserved_timestamp=self._kept_since,
        )  # fmt: skip

    def restore_or_initialize(self):
        """Restores the newest checkpoint, or calls init_fn. The prefix that it restored, None if there is none."""
        if self._latest is not None:
            self._checkpoint.restore(self._latest)
            if self._step_counter is not None:
                self._last_step = self._step()
            return self._latest
        if self._init_fn is not None:
            self._init_fn()
        return None

    def sync(self):
        """Nothing: a checkpoint is whole when save returns."""
