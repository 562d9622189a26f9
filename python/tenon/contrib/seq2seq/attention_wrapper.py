"""A cell with attention: each step looks at a memory with what the cell says."""

import collections

from tenon.contrib.seq2seq import attention_mechanisms
from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.layers import core as layers_core
from tenon.python.ops import array_ops, check_ops, math_ops, rnn_cell_impl, tensor_array_ops
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export

_FIELDS = ("cell_state", "attention", "time", "alignments", "alignment_history", "attention_state")


@tf_export("contrib.seq2seq.AttentionWrapperState")
class AttentionWrapperState(collections.namedtuple("AttentionWrapperState", _FIELDS)):
    """The cell's own state, the last attention, the step, and the alignments with their history."""

    def clone(self, **kwargs):
        """A copy with some fields replaced by values of the same shape."""

        def shaped(old, new):
            if isinstance(old, ops.Tensor) and isinstance(new, ops.Tensor):
                new.set_shape(old.shape)
            return new

        replaced = super()._replace(**kwargs)
        return nest.map_structure(shaped, self, replaced)


def _compute_attention(mechanism, cell_output, attention_state, attention_layer):
    """(attention, alignments, next state) of one mechanism."""
    alignments, next_state = mechanism(cell_output, state=attention_state)
    expanded = array_ops.expand_dims(alignments, 1)
    context = array_ops.squeeze(math_ops.matmul(expanded, mechanism.values), [1])
    if attention_layer is not None:
        context = attention_layer(array_ops.concat([cell_output, context], 1))
    return context, alignments, next_state


def _as_tuple(value, several, what):
    if several and not isinstance(value, (list, tuple)):
        raise ValueError(f"{what} must be a list or tuple of as many as there are attention mechanisms")
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


@tf_export("contrib.seq2seq.AttentionWrapper")
class AttentionWrapper(rnn_cell_impl.RNNCell):
    """CELL whose input is joined with the last attention, and whose output is the attention that it asks for."""

    def __init__(self, cell, attention_mechanism, attention_layer_size=None, alignment_history=False,
                 cell_input_fn=None, output_attention=True, initial_cell_state=None, name=None, attention_layer=None,
                 attention_fn=None, dtype=None):  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        self._is_multi = isinstance(attention_mechanism, (list, tuple))
        mechanisms = _as_tuple(attention_mechanism, self._is_multi, "attention_mechanism")
        for mechanism in mechanisms:
            if not isinstance(mechanism, attention_mechanisms.AttentionMechanism):
                raise TypeError(
                    "attention_mechanism must contain only instances of AttentionMechanism, "
                    f"saw type: {type(mechanism).__name__}"
                )
        if cell_input_fn is None:
            cell_input_fn = lambda inputs, attention: array_ops.concat([inputs, attention], -1)  # noqa: E731
        elif not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        self._attention_layers = self._make_layers(attention_layer_size, attention_layer, mechanisms, dtype)
        self._cell, self._attention_mechanisms = cell, mechanisms
        self._attention_layer_size = self._sum_of_sizes(attention_layer_size)
        self._cell_input_fn, self._attention_fn = cell_input_fn, attention_fn or _compute_attention
        self._output_attention, self._alignment_history = output_attention, alignment_history
        self._initial_cell_state = self._checked_initial(initial_cell_state)

    def _make_layers(self, sizes, layers, mechanisms, dtype):
        if sizes is not None and layers is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        if layers is not None:
            made = _as_tuple(layers, self._is_multi, "attention_layer")
        elif sizes is not None:
            made = tuple(
                layers_core.Dense(size, name="attention_layer", use_bias=False, dtype=dtype)
                for size in _as_tuple(sizes, self._is_multi, "attention_layer_size")
            )
        else:
            return None
        if len(made) != len(mechanisms):
            raise ValueError(
                "If provided, attention_layer_size or attention_layer must contain exactly one value per "
                f"attention_mechanism, saw: {len(made)} vs {len(mechanisms)}"
            )
        return made

    def _sum_of_sizes(self, sizes):
        if sizes is not None:
            return sum(_as_tuple(sizes, self._is_multi, "attention_layer_size"))
        if self._attention_layers is None:
            return sum(
                tensor_shape.dimension_value(mechanism.values.shape[-1]) for mechanism in self._attention_mechanisms
            )
        widths = (
            layer.compute_output_shape(
                [None, self._cell.output_size + tensor_shape.dimension_value(mechanism.values.shape[-1])]
            )[-1]
            for layer, mechanism in zip(self._attention_layers, self._attention_mechanisms)
        )
        return sum(tensor_shape.dimension_value(width) for width in widths)

    def _checked_initial(self, state):
        """STATE after an assertion that its batch is the memory's."""
        if state is None:
            return None
        with ops.name_scope(None, "AttentionWrapperInit"):
            last = nest.flatten(state)[-1]
            fixed = tensor_shape.dimension_value(last.shape[0])
            batch = fixed if fixed is not None else array_ops.shape(last)[0]
            with ops.control_dependencies(self._batch_size_checks(batch, "when constructing AttentionWrapper")):
                return nest.map_structure(lambda s: array_ops.identity(s, name="check_initial_cell_state"), state)

    def _batch_size_checks(self, batch_size, where):
        message = (
            f"{where}: Non-matching batch sizes between the memory (encoder output) and the query (decoder output). "
            "Are you using the BeamSearchDecoder? You may need to tile your memory input via tile_batch."
        )
        return [
            check_ops.assert_equal(batch_size, mechanism.batch_size, message=message)
            for mechanism in self._attention_mechanisms
        ]

    def _item_or_tuple(self, values):
        found = tuple(values)
        return found if self._is_multi else found[0]

    @property
    def output_size(self):
        return self._attention_layer_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self):
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            time=tensor_shape.TensorShape([]),
            attention=self._attention_layer_size,
            alignments=self._item_or_tuple(a.alignments_size for a in self._attention_mechanisms),
            attention_state=self._item_or_tuple(a.state_size for a in self._attention_mechanisms),
            alignment_history=self._item_or_tuple(
                a.alignments_size if self._alignment_history else () for a in self._attention_mechanisms
            ),
        )

    def zero_state(self, batch_size, dtype):
        """The state to begin with: INITIAL_CELL_STATE if one was given, else the cell's zeros."""
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            if self._initial_cell_state is not None:
                cell_state = self._initial_cell_state
            else:
                cell_state = self._cell.zero_state(batch_size, dtype)
            checks = self._batch_size_checks(batch_size, "When calling zero_state of AttentionWrapper")
            with ops.control_dependencies(checks):
                cell_state = nest.map_structure(lambda s: array_ops.identity(s, name="checked_cell_state"), cell_state)
            initial = [a.initial_alignments(batch_size, dtype) for a in self._attention_mechanisms]
            return AttentionWrapperState(
                cell_state=cell_state,
                time=array_ops.zeros([], dtype=dtypes.int32),
                attention=rnn_cell_impl._zero_state_tensors(self._attention_layer_size, batch_size, dtype),
                alignments=self._item_or_tuple(initial),
                attention_state=self._item_or_tuple(
                    a.initial_state(batch_size, dtype) for a in self._attention_mechanisms
                ),
                alignment_history=self._item_or_tuple(self._history(a, dtype) for a in initial),
            )

    def _history(self, alignments, dtype):
        if not self._alignment_history:
            return ()
        return tensor_array_ops.TensorArray(dtype, size=0, dynamic_size=True, element_shape=alignments.shape)

    def call(self, inputs, state):
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(f"Expected state to be instance of AttentionWrapperState. Received type {type(state)}")
        cell_inputs = self._cell_input_fn(inputs, state.attention)
        cell_output, next_cell_state = self._cell(cell_inputs, state.cell_state)
        fixed = tensor_shape.dimension_value(cell_output.shape[0])
        batch = fixed if fixed is not None else array_ops.shape(cell_output)[0]
        with ops.control_dependencies(self._batch_size_checks(batch, "When applying AttentionWrapper")):
            cell_output = array_ops.identity(cell_output, name="checked_cell_output")
        states = state.attention_state if self._is_multi else [state.attention_state]
        histories = state.alignment_history if self._is_multi else [state.alignment_history]
        layers = self._attention_layers or [None] * len(self._attention_mechanisms)
        attentions, alignments, next_states, next_histories = [], [], [], []
        for mechanism, previous, history, layer in zip(self._attention_mechanisms, states, histories, layers):
            attention, alignment, next_state = self._attention_fn(mechanism, cell_output, previous, layer)
            attentions.append(attention)
            alignments.append(alignment)
            next_states.append(next_state)
            next_histories.append(history.write(state.time, alignment) if self._alignment_history else ())
        attention = array_ops.concat(attentions, 1)
        next_state = AttentionWrapperState(
            time=state.time + 1,
            cell_state=next_cell_state,
            attention=attention,
            attention_state=self._item_or_tuple(next_states),
            alignments=self._item_or_tuple(alignments),
            alignment_history=self._item_or_tuple(next_histories),
        )
        return (attention if self._output_attention else cell_output), next_state
