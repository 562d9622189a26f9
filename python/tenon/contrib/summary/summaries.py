"""tf.contrib.summary's summaries: each is written when its operation is run, if recording is on."""

import contextlib

import numpy as np

from tenon.contrib.framework import tensor_util
from tenon.contrib.summary import writers
from tenon.python.framework import dtypes, ops
from tenon.python.framework.proto import GraphDef
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.summary import summary_op_util
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export

_COLLECTION = "_SUMMARY_V2"


@tf_export("contrib.summary.should_record_summaries")
def should_record_summaries():
    """Whether summaries are recorded here: a bool or a bool tensor."""
    recording = writers.state.recording
    recording = recording() if callable(recording) else recording
    return False if recording is None else recording


@contextlib.contextmanager
def _recording(condition):
    old, writers.state.recording = writers.state.recording, condition
    try:
        yield
    finally:
        writers.state.recording = old


@tf_export("contrib.summary.record_summaries_every_n_global_steps")
def record_summaries_every_n_global_steps(n, global_step=None):
    """A `with` block in which summaries are recorded in every Nth step."""
    step = training_util.get_or_create_global_step() if global_step is None else global_step

    def due():
        return math_ops.equal(step % n, 0)

    return _recording(due if ops.executing_eagerly() else due())


@tf_export("contrib.summary.always_record_summaries")
def always_record_summaries():
    """A `with` block in which summaries are recorded."""
    return _recording(True)


@tf_export("contrib.summary.never_record_summaries")
def never_record_summaries():
    """A `with` block in which summaries are not recorded."""
    return _recording(False)


@tf_export("contrib.summary.all_summary_ops", "summary.all_v2_summary_ops")
def all_summary_ops():
    """The operations that write the graph's summaries."""
    return None if ops.executing_eagerly() else ops.get_collection(_COLLECTION)


def _step(step):
    step = training_util.get_or_create_global_step() if step is None else step
    return math_ops.cast(ops.convert_to_tensor(step), dtypes.int64)


def _write(name, tensor, make, family, step):
    """The operation that writes MAKE(tag) with the default writer, where recording is on."""
    writer = writers.state.writer
    if writer is None:
        return control_flow_ops.no_op()
    step = _step(step)

    def record():
        with summary_op_util.summary_scope(name, family, values=[tensor]) as (tag, scope):
            written = writer.write_summary(step, make(tag), "write")
            with ops.control_dependencies([] if written is None else [written]):
                return array_ops.identity(True, name=scope)

    done = tensor_util.smart_cond(should_record_summaries(), record, lambda: ops.convert_to_tensor(False), name="")
    if not ops.executing_eagerly():
        ops.add_to_collection(_COLLECTION, done)
    return done


@tf_export("contrib.summary.scalar")
def scalar(name, tensor, family=None, step=None):
    """Writes a number."""
    return _write(name, tensor, lambda tag: gen_ops.scalar_summary(tags=tag, values=tensor), family, step)


@tf_export("contrib.summary.histogram")
def histogram(name, tensor, family=None, step=None):
    """Writes a histogram of TENSOR."""
    return _write(name, tensor, lambda tag: gen_ops.histogram_summary(tag=tag, values=tensor), family, step)


@tf_export("contrib.summary.image")
def image(name, tensor, bad_color=None, max_images=3, family=None, step=None):
    """Writes images [batch, height, width, channels]; BAD_COLOR marks what is not finite."""
    color = {} if bad_color is None else {"bad_color": np.asarray(bad_color, np.uint8)}
    return _write(
        name, tensor, lambda tag: gen_ops.image_summary(tag=tag, tensor=tensor, max_images=max_images, **color), family,
        step,
    )  # fmt: skip


@tf_export("contrib.summary.audio")
def audio(name, tensor, sample_rate, max_outputs, family=None, step=None):
    """Writes sound [batch, frames] or [batch, frames, channels]."""
    rate = ops.convert_to_tensor(sample_rate, dtype=dtypes.float32)
    return _write(
        name, tensor,
        lambda tag: gen_ops.audio_summary_v2(tag=tag, tensor=tensor, max_outputs=max_outputs, sample_rate=rate), family,
        step,
    )  # fmt: skip


@tf_export("contrib.summary.generic")
def generic(name, tensor, metadata=None, family=None, step=None):
    """Writes TENSOR as it is, with METADATA (a SummaryMetadata, or a string)."""
    if metadata is None:
        metadata = b""
    elif hasattr(metadata, "SerializeToString"):
        metadata = metadata.SerializeToString()
    return _write(
        name, tensor,
        lambda tag: gen_ops.tensor_summary_v2(tag=tag, tensor=tensor, serialized_summary_metadata=metadata), family,
        step,
    )  # fmt: skip


@tf_export("contrib.summary.graph")
def graph(param, step=None, name=None):
    """Writes a graph: a serialised GraphDef in a tensor, or, where execution is eager, a Graph or a GraphDef."""
    if not ops.executing_eagerly() and not isinstance(param, ops.Tensor):
        raise TypeError(f"graph() needs a tf.Tensor (e.g. tf.placeholder) in graph mode, but was: {type(param)}")
    if writers.state.writer is None:
        return control_flow_ops.no_op()
    if isinstance(param, (ops.Graph, GraphDef)):
        param = ops.convert_to_tensor(_serialized(param), dtypes.string)
    return writers.state.writer.write_graph(_step(step), param, name or "write_graph")


@tf_export("contrib.summary.import_event")
def import_event(tensor, name=None):
    """Writes a serialised Event."""
    return writers.state.writer.write_event(tensor, name or "import_event")


def _serialized(param):
    graph_def = param.as_graph_def(add_shapes=True) if isinstance(param, ops.Graph) else param
    return graph_def.SerializeToString()


@tf_export("contrib.summary.initialize", "summary.initialize")
def initialize(graph=None, session=None):
    """Opens the graph's writers in SESSION, and writes GRAPH if it is given. Eager execution needs it not."""
    if ops.executing_eagerly():
        return
    if writers.state.writer is None:
        raise RuntimeError("No default tf.contrib.summary.SummaryWriter found")
    session = ops.get_default_session() if session is None else session
    if session is None:
        raise ValueError("session must be passed if no default session exists")
    session.run(writers.summary_writer_initializer_op())
    if graph is not None:
        text = array_ops.placeholder(dtypes.string)
        session.run(writers.state.writer.write_graph(_step(0), text, "write_graph"), {text: _serialized(graph)})
