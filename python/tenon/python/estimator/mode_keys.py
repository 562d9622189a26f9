"""What a model function is called for."""

from tenon.python.util.tf_export import tf_export


@tf_export("estimator.ModeKeys")
class ModeKeys:
    """Training, evaluation, or prediction."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"
