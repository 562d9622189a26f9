"""contrib.learn's recurrent estimators: over whole sequences, and over pieces whose states are kept."""

from tenon.contrib.layers import core as layers
from tenon.contrib.layers import feature_column as columns_lib
from tenon.contrib.layers import feature_column_ops, optimizers
from tenon.contrib.learn import rnn_common
from tenon.contrib.learn.estimator import Estimator
from tenon.contrib.learn.model_fn import ModeKeys, ModelFnOps
from tenon.contrib.learn.rnn_common import PredictionType, RNNKeys
from tenon.contrib.training import sequence_states
from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, rnn, rnn_cell_impl, rnn_static
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


def _sequence_input(features, sequence_columns, context_columns):
    """[batch, time, k]: the columns of sequences, and those of the context at every step."""
    features = dict(features)
    features.pop(RNNKeys.SEQUENCE_LENGTH_KEY, None)
    inputs = feature_column_ops.sequence_input_from_feature_columns(features, sequence_columns)
    if context_columns is None:
        return inputs
    context = feature_column_ops.input_from_feature_columns(features, context_columns)
    multiples = array_ops.stack([1, array_ops.shape(inputs)[1], 1])
    size = inputs.get_shape()[2].value + context.get_shape()[1].value
    both = array_ops.concat([inputs, array_ops.tile(array_ops.expand_dims(context, 1), multiples)], 2)
    both.set_shape([None, None, size])
    return both


def _train_op(loss, optimizer, learning_rate, clip):
    return optimizers.optimize_loss(
        loss=loss, global_step=None, learning_rate=learning_rate, optimizer=optimizer, clip_gradients=clip,
        summaries=optimizers.OPTIMIZER_SUMMARIES,
    )  # fmt: skip


@tf_export("contrib.learn.DynamicRnnEstimator")
class DynamicRnnEstimator(Estimator):
    """A recurrent network over sequences, for classes or numbers: one for each sequence, or one for each step.

    Features may have `sequence_length`, and the parts of an initial state, `rnn_cell_state_0` and so on.
    """

    def __init__(self, problem_type, prediction_type, sequence_feature_columns, context_feature_columns=None,
                 num_classes=None, num_units=None, cell_type="basic_rnn", optimizer="SGD", learning_rate=0.1,
                 predict_probabilities=False, momentum=None, gradient_clipping_norm=5.0,
                 dropout_keep_probabilities=None, model_dir=None, feature_engineering_fn=None,
                 config=None):  # fmt: skip
        if prediction_type not in (PredictionType.SINGLE_VALUE, PredictionType.MULTIPLE_VALUE):
            raise ValueError("prediction_type must be one of PredictionType.SINGLE_VALUE or "
                             f"PredictionType.MULTIPLE_VALUE; got {prediction_type}")  # fmt: skip
        self._target = rnn_common.target_of(problem_type, num_classes)
        rnn_common.check_probabilities(problem_type, predict_probabilities)
        if (num_units is None) == (not isinstance(cell_type, rnn_cell_impl.RNNCell)):
            raise ValueError("Either num_units is specified or cell_type is an instance of RNNCell.")
        self._problem, self._prediction, self._probabilities = problem_type, prediction_type, predict_probabilities
        self._columns = sequence_feature_columns, context_feature_columns
        self._cell_args = num_units, cell_type, dropout_keep_probabilities
        self._step_args = (rnn_common.optimizer_of(optimizer, learning_rate, momentum), learning_rate,
                           gradient_clipping_norm)  # fmt: skip
        super().__init__(model_fn=self._model, model_dir=model_dir, config=config,
                         feature_engineering_fn=feature_engineering_fn)  # fmt: skip

    def _outputs(self, features, mode):
        """(logits [batch, time, k], the last state)."""
        num_units, cell_type, keep = self._cell_args
        cell = rnn_common.construct_rnn_cell(num_units, cell_type, keep if mode == ModeKeys.TRAIN else None)
        initial = rnn_common.dict_to_state_tuple(features, cell)
        inputs = _sequence_input(features, *self._columns)
        with ops.name_scope("RNN"):
            found, state = rnn.dynamic_rnn(cell, inputs, initial_state=initial, dtype=dtypes.float32,
                                           parallel_iterations=32, swap_memory=True)  # fmt: skip
            return layers.fully_connected(found, self._target.num_label_columns, activation_fn=None), state

    def _model(self, features, labels, mode):
        with ops.name_scope("DynamicRnnModel"):
            lengths, loss = features.get(RNNKeys.SEQUENCE_LENGTH_KEY), None
            logits, state = self._outputs(features, mode)
            several = self._prediction == PredictionType.MULTIPLE_VALUE
            if several:
                predictions = rnn_common.multi_value_predictions(logits, self._target, self._problem,
                                                                 self._probabilities)  # fmt: skip
            else:
                predictions = rnn_common.single_value_predictions(logits, lengths, self._target, self._problem,
                                                                  self._probabilities)  # fmt: skip
            metrics = train_op = None
            if mode != ModeKeys.INFER:
                if several:
                    loss = self._target.loss(*rnn_common.mask_activations_and_labels(logits, labels, lengths), features)
                else:
                    last = rnn_common.select_last_activations(logits, lengths)
                    loss = self._target.loss(last, labels, features)
                metrics = rnn_common.eval_metric_ops(self._problem, self._prediction, lengths, predictions, labels)
            predictions.update(rnn_common.state_tuple_to_dict(state))
            if mode == ModeKeys.TRAIN:
                train_op = _train_op(loss, *self._step_args)
        return ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op, eval_metric_ops=metrics)


def _state_names(cell):
    """The names of a cell's state, nested as that is."""
    size = cell.state_size
    if isinstance(size, rnn_cell_impl.LSTMStateTuple):
        return [f"{RNNKeys.STATE_PREFIX}_0_c", f"{RNNKeys.STATE_PREFIX}_0_h"]
    if not nest.is_sequence(size):
        return rnn_common.state_name(0)
    if isinstance(size[0], rnn_cell_impl.LSTMStateTuple):
        return [[f"{RNNKeys.STATE_PREFIX}_{i}_c", f"{RNNKeys.STATE_PREFIX}_{i}_h"] for i in range(len(size))]
    return [rnn_common.state_name(i) for i in range(len(size))]


def _taken(features, columns, what):
    """The features that columns are made of."""
    names = [column.name for column in columns or ()]
    missing = [name for name in names if name not in features]
    if missing:
        raise ValueError(f"No key in features for {what} feature: {missing[0]}")
    return {name: features[name] for name in names}


@tf_export("contrib.learn.StateSavingRnnEstimator")
class StateSavingRnnEstimator(Estimator):
    """A recurrent network over long sequences, NUM_UNROLL steps at a time: their states are kept between the steps.

    The input function gives one sequence: {name: [time, ...]} and labels [time].
    """

    def __init__(self, problem_type, num_unroll, batch_size, sequence_feature_columns, context_feature_columns=None,
                 num_classes=None, num_units=None, cell_type="basic_rnn", optimizer_type="SGD", learning_rate=0.1,
                 predict_probabilities=False, momentum=None, gradient_clipping_norm=5.0,
                 dropout_keep_probabilities=None, model_dir=None, config=None, feature_engineering_fn=None,
                 num_threads=3, queue_capacity=1000, seed=None):  # fmt: skip
        self._target = rnn_common.target_of(problem_type, num_classes)
        rnn_common.check_probabilities(problem_type, predict_probabilities)
        if num_unroll <= 0:
            raise ValueError(f"num_unroll must be positive; got {num_unroll}.")
        if not all(isinstance(column, columns_lib._RealValuedColumn) for column in sequence_feature_columns):
            raise ValueError("StateSavingRnnEstimator: only columns of numbers can be sequences in Tenon")
        self._problem, self._probabilities = problem_type, predict_probabilities
        self._columns = sequence_feature_columns, context_feature_columns
        self._cell_args = num_units, cell_type, dropout_keep_probabilities
        self._step_args = (rnn_common.optimizer_of(optimizer_type, learning_rate, momentum), learning_rate,
                           gradient_clipping_norm)  # fmt: skip
        self._unroll = num_unroll
        self._batch_args = {"num_unroll": num_unroll, "batch_size": batch_size, "num_threads": num_threads,
                            "capacity": queue_capacity, "make_keys_unique": True,
                            "make_keys_unique_seed": seed}  # fmt: skip
        super().__init__(model_fn=self._model, model_dir=model_dir, config=config,
                         feature_engineering_fn=feature_engineering_fn)  # fmt: skip

    def _read(self, cell, features, labels):
        sequences = _taken(features, self._columns[0], "sequence")
        context = _taken(features, self._columns[1], "context")
        if labels is not None:
            sequences[RNNKeys.LABELS_KEY] = labels
        values = nest.flatten(cell.zero_state(1, dtype=dtypes.float32))
        states = {name: array_ops.squeeze(value, axis=[0])
                  for name, value in zip(nest.flatten(_state_names(cell)), values)}  # fmt: skip
        return sequence_states.batch_sequences_with_states(
            input_key="key", input_sequences=sequences, input_context=context, input_length=None,
            initial_states=states, pad=True, **self._batch_args,
        )  # fmt: skip

    def _logits(self, cell, batch, sequences):
        inputs = _sequence_input({**sequences, **batch.context}, *self._columns)
        inputs.set_shape([None, self._unroll, None])
        with ops.name_scope("rnn"):
            found, state = rnn_static.static_state_saving_rnn(
                cell, array_ops.unstack(inputs, axis=1), state_saver=batch, state_name=_state_names(cell), scope="rnn"
            )
            outputs = array_ops.stack(found, axis=1)
            return layers.fully_connected(outputs, self._target.num_label_columns, activation_fn=None), state

    def _model(self, features, labels, mode):
        with ops.name_scope("StateSavingRnnModel"):
            num_units, cell_type, keep = self._cell_args
            cell = rnn_common.construct_rnn_cell(num_units, cell_type, keep if mode == ModeKeys.TRAIN else None)
            batch = self._read(cell, features, None if mode == ModeKeys.INFER else labels)
            sequences = dict(batch.sequences)
            labels = sequences.pop(RNNKeys.LABELS_KEY, None)
            logits, state = self._logits(cell, batch, sequences)
            predictions = rnn_common.multi_value_predictions(logits, self._target, self._problem, self._probabilities)
            loss = metrics = train_op = None
            if mode != ModeKeys.INFER:
                masked = rnn_common.mask_activations_and_labels(logits, labels, batch.length)
                loss = self._target.loss(*masked, features)
                metrics = rnn_common.eval_metric_ops(self._problem, PredictionType.MULTIPLE_VALUE, batch.length,
                                                     predictions, labels)  # fmt: skip
            predictions.update(rnn_common.state_tuple_to_dict(state))
            if mode == ModeKeys.TRAIN:
                train_op = _train_op(loss, *self._step_args)
        return ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op, eval_metric_ops=metrics)
