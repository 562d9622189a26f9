"""tf.summary.FileWriter."""

import warnings

from tenon.python.framework import proto as messages
from tenon.python.framework.proto_message import Message
from tenon.python.summary.writer.event_file_writer import EventFileWriter, new_event
from tenon.python.util.tf_export import tf_export


class SummaryToEventTransformer:
    """Makes events of summaries, graphs and so on, for an event_writer that has add_event."""

    def __init__(self, event_writer, graph=None, graph_def=None):
        self.event_writer = event_writer
        self._session_run_tags = set()
        self._seen_summary_tags = set()
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)
            data = graph.as_graph_def(add_shapes=True) if graph is not None else graph_def
            meta = messages.MetaGraphDef(graph_def=data)
            meta.meta_info_def.stripped_op_list.SetInParent()
            self.add_meta_graph(meta)

    def add_summary(self, summary, global_step=None):
        """Adds a Summary, or the bytes that a summary op gave."""
        if isinstance(summary, Message):
            copied = messages.Summary()
            copied.CopyFrom(summary)
        else:
            copied = messages.Summary.FromString(bytes(summary))
        # Metadata, of the same tag the same each time, is written once.
        for value in copied.value:
            if not value.HasField("metadata"):
                continue
            if value.tag in self._seen_summary_tags:
                value.ClearField("metadata")
            else:
                self._seen_summary_tags.add(value.tag)
        self._add(new_event(summary=copied), global_step)

    def add_session_log(self, session_log, global_step=None):
        """Adds a SessionLog: that a session started, stopped or saved a checkpoint."""
        self._add(new_event(session_log=session_log), global_step)

    def add_graph(self, graph, global_step=None, graph_def=None):
        """Adds a Graph (or, as graph_def, a GraphDef) for the graph page."""
        if graph is not None and graph_def is not None:
            raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
        if isinstance(graph, messages.GraphDef):
            graph, graph_def = None, graph
        if graph is not None:
            if not hasattr(graph, "as_graph_def"):
                raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")
            graph_def = graph.as_graph_def(add_shapes=True)
        elif not isinstance(graph_def, messages.GraphDef):
            raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")
        self._add(new_event(graph_def=graph_def.SerializeToString()), global_step)

    def add_meta_graph(self, meta_graph_def, global_step=None):
        """Adds a MetaGraphDef."""
        if not isinstance(meta_graph_def, messages.MetaGraphDef):
            raise TypeError(f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def)}")
        self._add(new_event(meta_graph_def=meta_graph_def.SerializeToString()), global_step)

    def add_run_metadata(self, run_metadata, tag, global_step=None):
        """Adds the RunMetadata of one step under TAG, which is new each time."""
        if tag in self._session_run_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._session_run_tags.add(tag)
        tagged = messages.TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._add(new_event(tagged_run_metadata=tagged), global_step)

    def _add(self, event, step):
        if step is not None:
            event.step = int(step)
        self.event_writer.add_event(event)


@tf_export("summary.FileWriter", "train.SummaryWriter")
class FileWriter(SummaryToEventTransformer):
    """Writes summaries, graphs and run metadata to an event file in LOGDIR, which TensorBoard reads.

    A thread does the writing: every FLUSH_SECS seconds what was added is flushed; flush() does it at once.
    """

    def __init__(
        self,
        logdir,
        graph=None,
        max_queue=10,
        flush_secs=120,
        graph_def=None,
        filename_suffix=None,
        session=None,
    ):
        if session is not None:
            raise ValueError("tf.summary.FileWriter: a session is only taken by the writers of eager summaries")
        writer = EventFileWriter(logdir, max_queue, flush_secs, filename_suffix)
        self._closed = False
        super().__init__(writer, graph, graph_def)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def _warn_if_closed(self):
        if self._closed:
            warnings.warn("Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter "
                          "is explicitly reopened.", stacklevel=3)  # fmt: skip

    def get_logdir(self):
        """The folder where the event file is."""
        return self.event_writer.get_logdir()

    def add_event(self, event):
        """Adds an Event."""
        self._warn_if_closed()
        self.event_writer.add_event(event)

    def _add(self, event, step):
        self._warn_if_closed()
        super()._add(event, step)

    def flush(self):
        """Puts all that was added where readers see it."""
        self._warn_if_closed()
        self.event_writer.flush()

    def close(self):
        """Flushes and closes the file."""
        self.event_writer.close()
        self._closed = True

    def reopen(self):
        """After close: goes on in a new file."""
        self.event_writer.reopen()
        self._closed = False
