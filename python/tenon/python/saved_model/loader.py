"""Public names of saved_model.loader."""

from tenon.python.saved_model.loader_impl import load, maybe_saved_model_directory

__all__ = ["load", "maybe_saved_model_directory"]
