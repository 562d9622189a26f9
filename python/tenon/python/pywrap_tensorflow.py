"""What programs take from TensorFlow's C layer: the reader of checkpoints."""

from tenon.python.training.py_checkpoint_reader import CheckpointReader, NewCheckpointReader

__all__ = ["CheckpointReader", "NewCheckpointReader"]
