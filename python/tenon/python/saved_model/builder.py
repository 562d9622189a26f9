"""Public names of saved_model.builder."""

from tenon.python.saved_model.builder_impl import SavedModelBuilder

__all__ = ["SavedModelBuilder"]
