"""The names of before tf.summary."""

from tenon.python.summary.summary_iterator import summary_iterator
from tenon.python.summary.writer.writer import FileWriter as SummaryWriter
from tenon.python.summary.writer.writer_cache import FileWriterCache as SummaryWriterCache

__all__ = ["SummaryWriter", "SummaryWriterCache", "summary_iterator"]
