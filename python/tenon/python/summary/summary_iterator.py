"""tf.train.summary_iterator."""

from tenon.python.framework import proto as messages
from tenon.python.util.tf_export import tf_export


@tf_export("train.summary_iterator")
def summary_iterator(path):
    """The Events of the event file PATH, in order."""
    from tenon.python.lib.io import tf_record

    for record in tf_record.tf_record_iterator(path):
        yield messages.Event.FromString(record)
