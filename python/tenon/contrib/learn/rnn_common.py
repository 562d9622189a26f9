"""What contrib.learn's recurrent estimators share: their cells, which outputs count, predictions, and metrics."""

from tenon.contrib.layers import target_column as targets
from tenon.contrib.learn.model_fn import PredictionKey, ProblemType
from tenon.python.framework import ops
from tenon.python.ops import array_ops, math_ops, metrics_impl, rnn_cell_impl, rnn_cell_wrapper_impl
from tenon.python.training import momentum as momentum_lib
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.estimators.rnn_common.PredictionType")
class PredictionType:
    """Whether a sequence has one value, or one at each of its steps."""

    SINGLE_VALUE = 1
    MULTIPLE_VALUE = 2


@tf_export("contrib.learn.estimators.rnn_common.RNNKeys")
class RNNKeys:
    """The names of features and predictions."""

    FINAL_STATE_KEY = "final_state"
    LABELS_KEY = "__labels__"
    SEQUENCE_LENGTH_KEY = "sequence_length"
    STATE_PREFIX = "rnn_cell_state"


_CELLS = {"basic_rnn": rnn_cell_impl.BasicRNNCell, "lstm": rnn_cell_impl.LSTMCell, "gru": rnn_cell_impl.GRUCell}


def _single_cell(cell_type, num_units):
    if isinstance(cell_type, rnn_cell_impl.RNNCell):
        return cell_type
    if isinstance(cell_type, str):
        if cell_type not in _CELLS:
            raise ValueError(f"The supported cell types are {list(_CELLS)}; got {cell_type}")
        cell_type = _CELLS[cell_type]
    if not issubclass(cell_type, rnn_cell_impl.RNNCell):
        raise TypeError(f"cell_type must be a subclass of RNNCell or one of {list(_CELLS)}.")
    return cell_type(num_units=num_units)


def _with_dropout(cells, keep):
    if len(keep) != len(cells) + 1:
        raise ValueError("The number of dropout probabilites must be one greater than the number of cells. Got "
                         f"{len(cells)} cells and {len(keep)} dropout probabilities.")  # fmt: skip
    ends = [1.0] * (len(cells) - 1) + [keep[-1]]
    return [rnn_cell_wrapper_impl.DropoutWrapper(*three) for three in zip(cells, keep, ends)]


@tf_export("contrib.learn.estimators.rnn_common.construct_rnn_cell")
def construct_rnn_cell(num_units, cell_type="basic_rnn", dropout_keep_probabilities=None):
    """A cell, or several on top of each other where NUM_UNITS are several; with dropout if that is given."""
    sizes = num_units if isinstance(num_units, (list, tuple)) else (num_units,)
    cells = [_single_cell(cell_type, size) for size in sizes]
    if dropout_keep_probabilities:
        cells = _with_dropout(cells, dropout_keep_probabilities)
    return cells[0] if len(cells) == 1 else rnn_cell_impl.MultiRNNCell(cells)


@tf_export("contrib.learn.estimators.rnn_common.select_last_activations")
def select_last_activations(activations, sequence_lengths):
    """[batch, k]: the last step of each sequence of ACTIVATIONS [batch, time, k]."""
    with ops.name_scope("select_last_activations", values=[activations, sequence_lengths]):
        shape = array_ops.shape(activations)
        lengths = shape[1] if sequence_lengths is None else math_ops.cast(sequence_lengths, "int32")
        places = math_ops.range(shape[0]) * shape[1] + lengths - 1
        last = array_ops.gather(array_ops.reshape(activations, array_ops.stack([-1, shape[2]])), places)
        last.set_shape([activations.get_shape()[0], activations.get_shape()[2]])
        return last


@tf_export("contrib.learn.estimators.rnn_common.mask_activations_and_labels")
def mask_activations_and_labels(activations, labels, sequence_lengths):
    """(activations [n, ...], labels [n]) of the steps that are no padding."""
    with ops.name_scope("mask_activations_and_labels", values=[activations, labels, sequence_lengths]):
        shape = array_ops.shape(labels)
        if sequence_lengths is None:
            count = array_ops.expand_dims(shape[0] * shape[1], 0)
            rest = array_ops.shape(activations)[2:]
            return array_ops.reshape(activations, array_ops.concat([count, rest], 0)), array_ops.reshape(labels, count)
        mask = array_ops.sequence_mask(sequence_lengths, shape[1])
        return array_ops.boolean_mask(activations, mask), array_ops.boolean_mask(labels, mask)


def _named(problem_type):
    return PredictionKey.CLASSES if problem_type == ProblemType.CLASSIFICATION else PredictionKey.SCORES


def multi_value_predictions(activations, target, problem_type, predict_probabilities):
    """{name: [batch, time, ...]}; what is said of padding means nothing."""
    with ops.name_scope("MultiValuePrediction"):
        shape, found = array_ops.shape(activations), {}
        flat = array_ops.reshape(activations, [-1, target.num_label_columns])
        if predict_probabilities:
            said = target.logits_to_predictions(flat, proba=True)
            size = max(target.num_label_columns, 2)
            found[PredictionKey.PROBABILITIES] = array_ops.reshape(
                said, array_ops.stack([shape[0], shape[1], size]), name=PredictionKey.PROBABILITIES
            )
            said = math_ops.argmax(said, 1)
        else:
            said = target.logits_to_predictions(flat, proba=False)
        name = _named(problem_type)
        found[name] = array_ops.reshape(said, shape[:2], name=name)
        return found


def single_value_predictions(activations, sequence_length, target, problem_type, predict_probabilities):
    """{name: [batch, ...]}, by the last steps."""
    with ops.name_scope("SingleValuePrediction"):
        last = select_last_activations(activations, sequence_length)
        name = _named(problem_type)
        if not predict_probabilities:
            said = target.logits_to_predictions(last, proba=False)
            return {name: array_ops.identity(said, name=name)}
        said = target.logits_to_predictions(last, proba=True)
        return {PredictionKey.PROBABILITIES: said, name: math_ops.argmax(said, 1, name=name)}


def eval_metric_ops(problem_type, prediction_type, sequence_length, predictions, labels):
    """{name: (value, update)}: of classes, the accuracy."""
    if problem_type != ProblemType.CLASSIFICATION:
        return {}
    with ops.name_scope("metrics"):
        said = predictions[PredictionKey.CLASSES]
        if prediction_type == PredictionType.MULTIPLE_VALUE:
            said, labels = mask_activations_and_labels(said, labels, sequence_length)
        else:
            labels = array_ops.reshape(labels, array_ops.shape(said))
        return {"accuracy": metrics_impl.accuracy(labels, said)}


def state_name(i):
    """The name of component I of a state, flattened."""
    return f"{RNNKeys.STATE_PREFIX}_{i}"


def state_tuple_to_dict(state):
    """{name: component} of a state."""
    with ops.name_scope("state_tuple_to_dict"):
        return {
            state_name(i): array_ops.identity(part, name=state_name(i)) for i, part in enumerate(nest.flatten(state))
        }


def dict_to_state_tuple(features, cell):
    """The state that FEATURES have by those names; None if they have none. ValueError where some are missing."""
    with ops.name_scope("dict_to_state_tuple"):
        count = len(nest.flatten(cell.state_size))
        parts = [features.get(state_name(i)) for i in range(count)]
        there = sum(part is not None for part in parts)
        if there == 0:
            return None
        if there < count:
            raise ValueError(f"RNN cell was not specified: features have {there} of the {count} parts of the state")
        return nest.pack_sequence_as(cell.state_size, parts)


def target_of(problem_type, num_classes):
    """The target column of a problem. ValueError for an unknown one, or classes whose number is not given."""
    if problem_type == ProblemType.LINEAR_REGRESSION:
        return targets.regression_target()
    if problem_type != ProblemType.CLASSIFICATION:
        raise ValueError("problem_type must be either ProblemType.LINEAR_REGRESSION or ProblemType.CLASSIFICATION; got "
                         f"{problem_type}")  # fmt: skip
    if not num_classes:
        raise ValueError("For CLASSIFICATION problem_type, num_classes must be specified.")
    return targets.multi_class_target(n_classes=num_classes)


def optimizer_of(optimizer, learning_rate, momentum):
    """OPTIMIZER, made if it is "Momentum"."""
    return momentum_lib.MomentumOptimizer(learning_rate, momentum) if optimizer == "Momentum" else optimizer


def check_probabilities(problem_type, predict_probabilities):
    """ValueError for probabilities of what has no classes."""
    if problem_type != ProblemType.CLASSIFICATION and predict_probabilities:
        raise ValueError("predict_probabilities can only be set to True for problem_type ProblemType.CLASSIFICATION; "
                         f"got {problem_type}.")  # fmt: skip
