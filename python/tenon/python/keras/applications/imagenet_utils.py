"""Pictures and predictions of ImageNet."""

from tenon.python.keras.applications.common import decode_predictions, preprocess_input

TF_EXPORTS = {"keras.applications.imagenet_utils.preprocess_input": "preprocess_input",
              "keras.applications.imagenet_utils.decode_predictions": "decode_predictions"}  # fmt: skip
__all__ = ["decode_predictions", "preprocess_input"]
