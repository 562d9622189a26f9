"""Recurrent networks over sequences, of tf.nn.rnn_cell's cells."""

from tenon.contrib.estimator.extenders import clip_gradients_by_norm
from tenon.python.estimator.canned import head as head_lib
from tenon.python.estimator.canned import linear, optimizers
from tenon.python.estimator.canned.rnn import USE_DEFAULT
from tenon.python.estimator.estimator import Estimator
from tenon.python.feature_column import feature_column, sequence
from tenon.python.framework import dtypes, ops
from tenon.python.layers import core
from tenon.python.ops import array_ops, init_ops, math_ops, partitioned_variables, rnn, variable_scope
from tenon.python.ops import rnn_cell_impl as rnn_cell
from tenon.python.ops.losses import losses_impl
from tenon.python.ops.rnn_cell_wrapper_impl import MultiRNNCell
from tenon.python.summary import summary
from tenon.python.training import optimizer as optimizer_lib
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export

_LEARNING_RATE, _CLIP_NORM = 0.05, 5.0
_CELLS = {"basic_rnn": rnn_cell.BasicRNNCell, "lstm": rnn_cell.BasicLSTMCell, "gru": rnn_cell.GRUCell}


def _cell(num_units, cell_type):
    kind = _CELLS.get(cell_type, cell_type)
    if not isinstance(kind, type) or not issubclass(kind, rnn_cell.RNNCell):
        raise ValueError(f"Supported cell types are {list(_CELLS)}; got {kind}")
    return kind(num_units=num_units)


def _cells(rnn_cell_fn, num_units, cell_type):
    """The function of the mode that makes the cell which the arguments say."""
    if rnn_cell_fn:
        if num_units or cell_type != USE_DEFAULT:
            raise ValueError("num_units and cell_type must not be specified when using rnn_cell_fn")
        return rnn_cell_fn

    def make(mode):
        cells = [_cell(n, "basic_rnn" if cell_type == USE_DEFAULT else cell_type) for n in num_units]
        return cells[0] if len(cells) == 1 else MultiRNNCell(cells)

    return make


def _last(outputs, lengths):
    """The output [batch, n] of each sequence's last moment; for those without any the first, which is zeros."""
    with ops.name_scope("select_last_activations", values=[outputs, lengths]):
        shape = array_ops.shape(outputs, out_type=dtypes.int64)
        flat = array_ops.reshape(outputs, array_ops.stack([shape[0] * shape[1], shape[2]]))
        start = math_ops.range(shape[0]) * shape[1]
        last = array_ops.gather(flat, start + math_ops.maximum(math_ops.cast(lengths, dtypes.int64) - 1, 0))
        last.set_shape([outputs.get_shape()[0], outputs.get_shape()[2]])
        return last


def _logits(features, mode, units, network):
    """What NETWORK (a function that makes a cell, columns, return_sequences, a partitioner) gives."""
    make_cell, columns, context_columns, return_sequences, cut = network
    values = tuple(features.values())
    with variable_scope.variable_scope("sequence_input_layer", values=values, partitioner=cut):
        inputs, lengths = feature_column.sequence_input_layer(features, columns)
        summary.histogram("sequence_length", lengths)
        if context_columns:
            inputs = sequence.concatenate_context_input(feature_column.input_layer(features, context_columns), inputs)
    outputs, _ = rnn.dynamic_rnn(make_cell(mode), inputs, sequence_length=lengths, dtype=dtypes.float32)
    outputs = outputs if return_sequences else _last(outputs, lengths)
    with variable_scope.variable_scope("logits", values=(outputs,)):
        return core.dense(outputs, units, kernel_initializer=init_ops.glorot_uniform_initializer())


class _Recurrent(Estimator):
    """A recurrent network with a head."""

    def __init__(self, head, network, optimizer, input_layer_partitioner, model_dir, config):
        make_cell, columns, context_columns, return_sequences = network
        columns, context_columns = tuple(columns or ()), tuple(context_columns or ())

        def model_fn(features, labels, mode, config):
            if not isinstance(features, dict):
                raise ValueError(f"features should be a dictionary of `Tensor`s. Given type: {type(features)}")
            opt = optimizer
            if not isinstance(opt, optimizer_lib.Optimizer):
                opt = optimizers.get_optimizer_instance(opt, learning_rate=_LEARNING_RATE)
                opt = clip_gradients_by_norm(opt, _CLIP_NORM)
            servers = config.num_ps_replicas if config else 0
            cut = partitioned_variables.min_max_variable_partitioner(max_partitions=servers)
            input_cut = linear.default_partitioner(config, input_layer_partitioner)
            with variable_scope.variable_scope("rnn", values=tuple(features.values()), partitioner=cut):
                logits = _logits(features, mode, head.logits_dimension,
                                 (make_cell, columns, context_columns, return_sequences, input_cut))  # fmt: skip
                return head.create_estimator_spec(
                    features=features, mode=mode, labels=labels, logits=logits,
                    train_op_fn=lambda loss: opt.minimize(loss, global_step=training_util.get_global_step()),
                )  # fmt: skip

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config)


@tf_export("contrib.estimator.RNNClassifier")
class RNNClassifier(_Recurrent):
    """Says which of N_CLASSES a sequence is of.

    NUM_UNITS are the sizes of the layers of cells of CELL_TYPE, `basic_rnn`, `lstm`, `gru` or a class; or
    RNN_CELL_FN(mode) makes the cell. Columns of CONTEXT_FEATURE_COLUMNS are given to each moment of a sequence.
    """

    def __init__(self, sequence_feature_columns, context_feature_columns=None, num_units=None, cell_type=USE_DEFAULT,
                 rnn_cell_fn=None, model_dir=None, n_classes=2, weight_column=None, label_vocabulary=None,
                 optimizer="Adagrad", loss_reduction=losses_impl.Reduction.SUM_OVER_BATCH_SIZE,
                 input_layer_partitioner=None, config=None):  # fmt: skip
        super().__init__(
            head_lib.classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction),
            (_cells(rnn_cell_fn, num_units, cell_type), sequence_feature_columns, context_feature_columns, False),
            optimizer, input_layer_partitioner, model_dir, config,
        )  # fmt: skip


@tf_export("contrib.estimator.RNNEstimator")
class RNNEstimator(_Recurrent):
    """A recurrent network over sequences with any head, over the last outputs or, with RETURN_SEQUENCES, over all."""

    def __init__(self, head, sequence_feature_columns, context_feature_columns=None, num_units=None,
                 cell_type=USE_DEFAULT, rnn_cell_fn=None, return_sequences=False, model_dir=None, optimizer="Adagrad",
                 input_layer_partitioner=None, config=None):  # fmt: skip
        network = (_cells(rnn_cell_fn, num_units, cell_type), sequence_feature_columns, context_feature_columns,
                   return_sequences)  # fmt: skip
        super().__init__(head, network, optimizer, input_layer_partitioner, model_dir, config)
