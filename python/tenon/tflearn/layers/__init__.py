"""Layers as functions of tensors."""

from tenon.tflearn.layers import (
    conv,
    conv_blocks,
    core,
    embedding_ops,
    estimator,
    merge_ops,
    normalization,
    recurrent,
)

__all__ = ["conv", "conv_blocks", "core", "embedding_ops", "estimator", "merge_ops", "normalization", "recurrent"]
