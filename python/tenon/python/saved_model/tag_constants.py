"""The tags of the graphs of a SavedModel."""

from tenon.python.saved_model.constants import (
    GPU,
    SERVING,
    TPU,
    TRAINING,
)

__all__ = ["GPU", "SERVING", "TPU", "TRAINING"]
