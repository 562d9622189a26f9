"""Public names of saved_model.utils."""

from tenon.python.saved_model.utils_impl import build_tensor_info, get_tensor_from_tensor_info

__all__ = ["build_tensor_info", "get_tensor_from_tensor_info"]
