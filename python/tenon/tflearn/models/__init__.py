"""Networks that are trained."""

from tenon.tflearn.models.dnn import DNN
from tenon.tflearn.models.generator import SequenceGenerator

__all__ = ["DNN", "SequenceGenerator"]
