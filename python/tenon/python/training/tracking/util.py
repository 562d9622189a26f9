"""train.Checkpoint: saves and restores what hangs from an object, by the names of the attributes on the way to it."""

import os

from tenon.python.eager import context
from tenon.python.framework import dtypes, errors, ops
from tenon.python.lib.io import anywhere
from tenon.python.ops import array_ops, gen_ops, init_ops, variable_scope
from tenon.python.training import checkpoint_management, py_checkpoint_reader
from tenon.python.training.tracking import graph_view
from tenon.python.util.tf_export import tf_export


def _write(prefix, values):
    """Writes {key: array or bytes} as a checkpoint at PREFIX."""
    from tenon.python.client import session as session_lib
    from tenon.python.framework.graph import Graph

    folder = os.path.dirname(prefix)
    if folder:
        anywhere.makedirs(folder)
    keys = sorted(values)
    with Graph().as_default() as graph:
        types = [dtypes.string if isinstance(values[k], bytes) else dtypes.as_dtype(values[k].dtype) for k in keys]
        places = [array_ops.placeholder(dtype) for dtype in types]
        save = gen_ops.save_v2(prefix, keys, [""] * len(keys), places)
        with session_lib.Session(graph=graph) as session:
            session.run(save, dict(zip(places, (values[k] for k in keys))))


def _session(session):
    """SESSION, or the default one."""
    session = session or ops.get_default_session()
    if session is None:
        raise RuntimeError("A session is needed: pass one, or use `with tf.Session()`.")
    return session


class _Status:
    """What restoring came to."""

    def __init__(self, checkpoint, reader):
        self._checkpoint, self._reader = checkpoint, reader
        self._saved = None
        if reader is not None and reader.has_tensor(graph_view.OBJECT_GRAPH_KEY):
            from tenon.core.protobuf import trackable_object_graph_pb2

            text = reader.get_tensor(graph_view.OBJECT_GRAPH_KEY)
            text = text.item() if hasattr(text, "item") else text
            self._saved = trackable_object_graph_pb2.TrackableObjectGraph.FromString(text)

    def _match(self):
        """(variables with the keys of their values, variables without one, number of saved values not used)."""
        graph = graph_view.ObjectGraph(self._checkpoint)
        if self._saved is not None:
            keys, lost = graph_view.matches(graph, self._saved)
        elif self._reader is not None:  # written by a Saver: by the variables' names
            names = {i: graph.objects[i].op.name for i in graph.keys}
            keys = {i: name for i, name in names.items() if self._reader.has_tensor(name)}
            lost = 0
        else:
            keys, lost = {}, 0
        found = [(graph.objects[i], key) for i, key in keys.items()]
        return found, [graph.objects[i] for i in graph.keys if i not in keys], lost

    def assert_existing_objects_matched(self):
        """AssertionError unless every variable has a value in the checkpoint."""
        _, missing, _ = self._match()
        if missing:
            raise AssertionError(f"No checkpoint value found for these variables: {[v.name for v in missing]}")
        return self

    def assert_consumed(self):
        """AssertionError unless every variable has a value in the checkpoint, and every value a variable."""
        self.assert_existing_objects_matched()
        lost = self._match()[2]
        if lost:
            raise AssertionError(f"Unresolved object in checkpoint: {lost} of its values belong to no variable here")
        return self

    def assert_nontrivial_match(self):
        """AssertionError if nothing but the root was matched."""
        if not self._match()[0]:
            raise AssertionError("Nothing except the root object matched a checkpointed value.")
        return self

    def expect_partial(self):
        """Itself: nothing is said about what was not used."""
        return self

    def run_restore_ops(self, session=None):
        """Gives the variables their values."""
        for variable, key in self._match()[0]:
            value = self._reader.get_tensor(key)
            if context.executing_eagerly():
                variable.assign(value)
            else:
                variable.load(value, _session(session))

    def initialize_or_restore(self, session=None):
        """Gives the variables their values; those that the checkpoint does not have are initialized."""
        if not context.executing_eagerly():
            session = _session(session)
            missing = self._match()[1]
            if missing:
                unset = [v for v in missing if not session.run(_is_set(v))]
                session.run([v.initializer for v in unset])
        self.run_restore_ops(session)


def _is_set(variable):
    """A bool tensor: the variable has a value."""
    from tenon.python.ops import variables

    return variables.is_variable_initialized(variable)


@tf_export("train.Checkpoint", "contrib.eager.Checkpoint")
class Checkpoint:
    """Objects that are saved together: `Checkpoint(model=model, optimizer=optimizer)`."""

    def __init__(self, **kwargs):
        for name, value in sorted(kwargs.items()):
            empty = isinstance(value, (list, dict)) and not value
            if not (empty or graph_view._is_tracked(value) or graph_view._has_variables(value)):
                raise ValueError(f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from "
                                 f"`Trackable`), got {value!r}.")  # fmt: skip
            setattr(self, name, value)
        self._save_counter = None

    def _tracked_children(self):
        counter = [] if self._save_counter is None else [("save_counter", self._save_counter)]
        own = [(k, v) for k, v in vars(self).items() if not k.startswith("_")]
        return [pair for pair in own if graph_view._is_tracked(pair[1]) or graph_view._has_variables(pair[1])] + counter

    @property
    def save_counter(self):
        """How often it was saved: a variable, made when it is first asked for."""
        if self._save_counter is None:
            with ops.init_scope() if context.executing_eagerly() else ops.name_scope(None):
                self._save_counter = variable_scope.variable(
                    init_ops.zeros_initializer()([], dtypes.int64), trainable=False, name="save_counter",
                    use_resource=True,
                )  # fmt: skip
        return self._save_counter

    def write(self, file_prefix, session=None, options=None):
        """Writes a checkpoint at FILE_PREFIX, which it returns; it does not count."""
        graph = graph_view.ObjectGraph(self)
        variables = [(key, graph.objects[i]) for i, key in graph.keys.items()]
        if context.executing_eagerly():
            values = {key: v.numpy() for key, v in variables}
        else:
            values = dict(zip([k for k, _ in variables], _session(session).run([v for _, v in variables])))
        values[graph_view.OBJECT_GRAPH_KEY] = graph.proto().SerializeToString()
        _write(file_prefix, {key: v if isinstance(v, bytes) else _array(v) for key, v in values.items()})
        return file_prefix

    def save(self, file_prefix, session=None, options=None):
        """Counts, and writes a checkpoint at FILE_PREFIX and the count, which it returns; it becomes the latest one."""
        counter = self.save_counter
        if context.executing_eagerly():
            number = int(counter.assign_add(1).numpy())
        else:
            session = _session(session)
            if not session.run(_is_set(counter)):
                session.run(counter.initializer)
            number = int(session.run(counter)) + 1
            counter.load(number, session)
        path = self.write(f"{file_prefix}-{number}", session)
        checkpoint_management.update_checkpoint_state_internal(
            os.path.dirname(file_prefix) or ".", path, [path], save_relative_paths=True
        )
        return path

    def restore(self, save_path):
        """Takes the values of a checkpoint (None: of none); in a graph the status' run_restore_ops gives them."""
        if save_path is None:
            return _Status(self, None)
        if not checkpoint_management.checkpoint_exists(save_path):
            raise errors.NotFoundError(None, None, "Unsuccessful TensorSliceReader constructor: Failed to find any "
                                       f"matching files for {save_path}")  # fmt: skip
        _ = self.save_counter
        status = _Status(self, py_checkpoint_reader.NewCheckpointReader(save_path))
        if context.executing_eagerly():
            status.run_restore_ops()
        return status


def _array(value):
    import numpy as np

    return np.asarray(value)
