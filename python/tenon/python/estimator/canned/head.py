"""The heads of canned estimators, which measure with tf.metrics as 1.x has it."""

from tenon.python.estimator.head import class_heads, multi_head, regression_head
from tenon.python.ops.losses import losses_impl

_SUM = losses_impl.Reduction.SUM


class BinaryHead(class_heads.BinaryClassHead):
    """One of two classes."""

    _v1 = True


class ClassesHead(class_heads.MultiClassHead):
    """One of several classes."""

    _v1 = True


class LabelsHead(class_heads.MultiLabelHead):
    """Any of several classes."""

    _v1 = True


class NumbersHead(regression_head.RegressionHead):
    """Numbers."""

    _v1 = True


def classifier_head(n_classes, weight_column=None, label_vocabulary=None, loss_reduction=_SUM, name=None):
    """The head of a classifier of N_CLASSES."""
    if n_classes == 2:
        return BinaryHead(weight_column, None, label_vocabulary, loss_reduction, name=name)
    return ClassesHead(n_classes, weight_column, label_vocabulary, loss_reduction, name=name)


def regressor_head(label_dimension=1, weight_column=None, loss_reduction=_SUM, name=None):
    """The head of a regressor of LABEL_DIMENSION numbers."""
    return NumbersHead(label_dimension, weight_column, loss_reduction, name=name)


def several_heads(heads, head_weights=None):
    """One head of several."""
    return multi_head.MultiHead(heads, head_weights)
