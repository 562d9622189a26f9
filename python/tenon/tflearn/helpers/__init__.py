"""Training, evaluation and summaries."""

from tenon.tflearn.helpers.evaluator import Evaluator
from tenon.tflearn.helpers.regularizer import add_weights_regularizer
from tenon.tflearn.helpers.summarizer import (
    summarize,
    summarize_activations,
    summarize_all,
    summarize_gradients,
    summarize_variables,
)
from tenon.tflearn.helpers.trainer import Trainer, TrainOp

__all__ = ["Evaluator", "TrainOp", "Trainer", "add_weights_regularizer", "summarize", "summarize_activations",
           "summarize_all", "summarize_gradients", "summarize_variables"]  # fmt: skip
