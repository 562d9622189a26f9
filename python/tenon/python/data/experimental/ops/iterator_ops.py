"""Positions of iterators in checkpoints."""

from tenon.python.framework import ops
from tenon.python.ops import gen_ops
from tenon.python.training import basic_session_run_hooks, checkpoint_management, session_run_hook
from tenon.python.training.saver import Saver
from tenon.python.training.saving import saveable_object
from tenon.python.util.tf_export import tf_export

_ITERATORS = "iterators"  # the collection of all iterators' handles


class _Saveable(saveable_object.SaveableObject):
    """The position of the iterator behind RESOURCE. INITIALIZER, if there is one, runs before it is restored."""

    def __init__(self, resource, initializer=None, external_state_policy="fail"):
        policy = ["warn", "ignore", "fail"].index(external_state_policy)
        with ops.control_dependencies(None):
            state = gen_ops.serialize_iterator(resource, external_state_policy=policy)
        name = resource.op.name
        super().__init__(resource, [saveable_object.SaveSpec(state, "", f"{name}-state")], name)
        self._initializer = initializer

    def restore(self, restored_tensors, restored_shapes):
        first = [] if self._initializer is None else [self._initializer]
        with ops.colocate_with(self.op), ops.control_dependencies(first):
            return gen_ops.deserialize_iterator(self.op, restored_tensors[0])


@tf_export("data.experimental.make_saveable_from_iterator", "contrib.data.make_saveable_from_iterator")
def make_saveable_from_iterator(iterator, external_state_policy="fail"):
    """A SaveableObject of where ITERATOR is; restoring it starts the iterator anew and goes there."""
    if external_state_policy not in ("warn", "ignore", "fail"):
        raise ValueError(
            f"external_state_policy must be one of 'warn', 'ignore', 'fail', not {external_state_policy!r}"
        )
    return _Saveable(iterator._iterator_resource, iterator._initializer, external_state_policy)


class _InputSaver(Saver):
    """A Saver with a state file of its own, which writes no meta graph."""

    def __init__(self, saveables, latest_filename):
        super().__init__(saveables)
        self._latest_filename = latest_filename

    def save(self, sess, save_path, global_step=None, **_):
        """The positions as they are now."""
        return super().save(
            sess, save_path, global_step, latest_filename=self._latest_filename, write_meta_graph=False
        )  # fmt: skip


@tf_export("data.experimental.CheckpointInputPipelineHook", "contrib.data.CheckpointInputPipelineHook")
class CheckpointInputPipelineHook(session_run_hook.SessionRunHook):
    """Saves the positions of all iterators when ESTIMATOR saves its model, and restores the last ones."""

    def __init__(self, estimator):
        config = estimator.config
        prefix = "input"
        if config.num_worker_replicas > 1:
            prefix = f"input_{config.task_type}_{config.task_id}"
        self._folder, self._latest_filename = estimator.model_dir, f"checkpoint_{prefix}"
        self._hook = basic_session_run_hooks.CheckpointSaverHook(
            estimator.model_dir, save_secs=config.save_checkpoints_secs, save_steps=config.save_checkpoints_steps,
            checkpoint_basename=f"{prefix}.ckpt", save_graph_def=False,
        )  # fmt: skip

    def begin(self):
        saveables = [_Saveable(resource) for resource in ops.get_collection(_ITERATORS)]
        self._saver = self._hook._saver = _InputSaver(saveables, self._latest_filename)
        self._hook.begin()

    def after_create_session(self, session, coord):
        self._first_run = True

    def before_run(self, run_context):
        # Only here have all other hooks seen the session: one of them starts the iterators.
        if self._first_run:
            self._first_run = False
            self._restore_or_save(run_context.session)
        return self._hook.before_run(run_context)

    def _restore_or_save(self, session):
        latest = checkpoint_management.latest_checkpoint(self._folder, latest_filename=self._latest_filename)
        if latest:
            self._saver.restore(session, latest)
            return
        step = session.run(self._hook._global_step_tensor)
        self._hook._save(session, step)
        self._hook._timer.update_last_triggered_step(step)

    def after_run(self, run_context, run_values):
        self._hook.after_run(run_context, run_values)

    def end(self, session):
        self._hook.end(session)
