"""Recurrent networks over sequences, of Keras' layers."""

import functools

import tenon as tf
from tenon.python.estimator.canned import optimizers
from tenon.python.estimator.estimator import Estimator
from tenon.python.estimator.head import class_heads, sequential_head
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.feature_column.sequence import concatenate_context_input
from tenon.python.keras.engine.training import Model
from tenon.python.keras.layers import core, feature_layers, recurrent
from tenon.python.keras.losses import Reduction
from tenon.python.util.tf_export import tf_export

_LEARNING_RATE, _CLIP_NORM = 0.05, 5.0
# Cells and layers as TensorFlow 2 has them, for which these estimators were written.
_GATES = {
    "simple_rnn": {}, "lstm": {"recurrent_activation": "sigmoid"},
    "gru": {"recurrent_activation": "sigmoid", "reset_after": True},
}  # fmt: skip
_CELLS = {"simple_rnn": recurrent.SimpleRNNCell, "lstm": recurrent.LSTMCell, "gru": recurrent.GRUCell}
_LAYERS = {"simple_rnn": recurrent.SimpleRNN, "lstm": recurrent.LSTM, "gru": recurrent.GRU}

USE_DEFAULT = object()  # says that an argument was not given


def _cell(units, cell_type):
    if isinstance(cell_type, str) and cell_type in _CELLS:
        cell_type = functools.partial(_CELLS[cell_type], **_GATES[cell_type])
    if not callable(cell_type):
        raise ValueError("`cell_type` should be a class producing a RNN cell, or a string specifying the cell type. "
                         f"Supported strings are: {list(_CELLS)}.")  # fmt: skip
    cell = cell_type(units=units)
    if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
        raise ValueError("RNN cell should have a `call` and `state_size` method.")
    return cell


def _check_cells(rnn_cell_fn, units, cell_type):
    if rnn_cell_fn and (units or cell_type != USE_DEFAULT):
        raise ValueError("units and cell_type must not be specified when using rnn_cell_fn")


def _layer(rnn_cell_fn, units, cell_type, return_sequences):
    """The recurrent layer of the cells that the arguments say."""
    _check_cells(rnn_cell_fn, units, cell_type)
    if isinstance(cell_type, str) and cell_type in _LAYERS and isinstance(units, int):
        return _LAYERS[cell_type](units=units, return_sequences=return_sequences, **_GATES[cell_type])
    if rnn_cell_fn:
        return recurrent.RNN(rnn_cell_fn(), return_sequences=return_sequences)
    cells = [_cell(n, "simple_rnn" if cell_type == USE_DEFAULT else cell_type) for n in units]
    return recurrent.RNN(cells[0] if len(cells) == 1 else cells, return_sequences=return_sequences)


class RNNModel(Model):
    """A recurrent layer over features, a dict, and a dense layer over its last output, or over all."""

    def __init__(self, rnn_layer, units, sequence_feature_columns, context_feature_columns=None, activation=None,
                 return_sequences=False, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        if not isinstance(units, int):
            raise ValueError(f"units must be an int.  Given type: {type(units)}")
        self._return_sequences = return_sequences
        self._sequence_features_layer = feature_layers.SequenceFeatures(sequence_feature_columns)
        self._dense_features_layer = None
        if context_feature_columns:
            self._dense_features_layer = feature_layers.DenseFeatures(context_feature_columns)
        self._rnn_layer = rnn_layer
        self._logits_layer = core.Dense(units=units, activation=activation, name="logits")

    def call(self, inputs, training=None):
        """[batch, units], or [batch, time, units]."""
        if not isinstance(inputs, dict):
            raise ValueError(f"inputs should be a dictionary of `Tensor`s. Given type: {type(inputs)}")
        with tf.name_scope("sequence_input_layer"):
            sequence, lengths = self._sequence_features_layer(inputs)
            tf.summary.histogram("sequence_length", lengths)
            if self._dense_features_layer is not None:
                sequence = concatenate_context_input(self._dense_features_layer(inputs), sequence)
        self._there = tf.sequence_mask(lengths)
        return self._logits_layer(self._rnn_layer(sequence, mask=self._there, training=training))

    def compute_mask(self, inputs, mask=None):
        """What is there of the outputs of the last call, if these are those of all moments."""
        return self._there if self._return_sequences else None


def _optimizer(opt):
    """The Keras optimizer that OPT says; one by its name also clips gradients."""
    made = optimizers.get_optimizer_instance_v2(opt, learning_rate=_LEARNING_RATE)
    if isinstance(opt, str):
        made.clipnorm = _CLIP_NORM
    made.iterations = tf.train.get_or_create_global_step()
    return made


def _spec(features, labels, mode, head, model, optimizer, return_sequences):
    """The EstimatorSpec of MODEL under HEAD."""
    training = mode == ModeKeys.TRAIN
    optimizer = _optimizer(optimizer) if training else None
    logits = model(features, training=training)
    if return_sequences and head.input_sequence_mask_key not in features:
        features = {**features, head.input_sequence_mask_key: logits._keras_mask}
    return head.create_estimator_spec(
        features=features, mode=mode, labels=labels, optimizer=optimizer, logits=logits, update_ops=model.updates,
        trainable_variables=model.trainable_variables,
    )  # fmt: skip


@tf_export("estimator.experimental.RNNEstimator")
class RNNEstimator(Estimator):
    """A recurrent network over sequences with any head.

    UNITS are the sizes of the layers of cells of CELL_TYPE, `simple_rnn`, `lstm`, `gru` or a class; or RNN_CELL_FN()
    makes the cell. Columns of CONTEXT_FEATURE_COLUMNS are given to each moment of a sequence.
    """

    def __init__(self, head, sequence_feature_columns, context_feature_columns=None, units=None, cell_type=USE_DEFAULT,
                 rnn_cell_fn=None, return_sequences=False, model_dir=None, optimizer="Adagrad",
                 config=None):  # fmt: skip
        if return_sequences and not isinstance(head, sequential_head._SequentialHead):
            raise ValueError("Provided head must be a `_SequentialHead` object when `return_sequences` is set to True.")
        _check_cells(rnn_cell_fn, units, cell_type)

        def model_fn(features, labels, mode, config):
            model = RNNModel(
                _layer(rnn_cell_fn, units, cell_type, return_sequences), head.logits_dimension,
                sequence_feature_columns, context_feature_columns, return_sequences=return_sequences, name="rnn_model",
            )  # fmt: skip
            return _spec(features, labels, mode, head, model, optimizer, return_sequences)

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config)


@tf_export("estimator.experimental.RNNClassifier")
class RNNClassifier(RNNEstimator):
    """Says which of N_CLASSES a sequence is of; with RETURN_SEQUENCES, each of its moments."""

    def __init__(self, sequence_feature_columns, context_feature_columns=None, units=None, cell_type=USE_DEFAULT,
                 rnn_cell_fn=None, return_sequences=False, model_dir=None, n_classes=2, weight_column=None,
                 label_vocabulary=None, optimizer="Adagrad", loss_reduction=Reduction.SUM_OVER_BATCH_SIZE,
                 sequence_mask="sequence_mask", config=None):  # fmt: skip
        given = {"weight_column": weight_column, "label_vocabulary": label_vocabulary, "loss_reduction": loss_reduction}
        if n_classes == 2:
            head = class_heads.BinaryClassHead(**given)
        else:
            head = class_heads.MultiClassHead(n_classes=n_classes, **given)
        if return_sequences:
            tf.logging.info("Converting head to sequential head with `SequentialHeadWrapper` to allow sequential "
                            "predictions.")  # fmt: skip
            head = sequential_head.SequentialHeadWrapper(head, sequence_mask, weight_column)
        super().__init__(
            head, sequence_feature_columns, context_feature_columns, units, cell_type, rnn_cell_fn, return_sequences,
            model_dir, optimizer, config,
        )  # fmt: skip
