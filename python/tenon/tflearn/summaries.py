"""Summaries: what programs reach by tflearn.summaries."""

from tenon.tflearn.helpers.summarizer import (
    summarize,
    summarize_activations,
    summarize_all,
    summarize_gradients,
    summarize_variables,
)

__all__ = ["summarize", "summarize_activations", "summarize_all", "summarize_gradients", "summarize_variables"]
