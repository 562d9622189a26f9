"""A decoder of one cell, a helper, and a layer on top."""

import collections

from tenon.contrib.seq2seq import decoder
from tenon.contrib.seq2seq import helper as helper_py
from tenon.python.framework import ops, tensor_shape
from tenon.python.ops import rnn_cell_impl
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.seq2seq.BasicDecoderOutput")
class BasicDecoderOutput(collections.namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))):
    """A step's output, and what was sampled from it."""


@tf_export("contrib.seq2seq.BasicDecoder")
class BasicDecoder(decoder.Decoder):
    """Runs CELL on what HELPER feeds; OUTPUT_LAYER (a layer with `compute_output_shape`) is applied to its output."""

    def __init__(self, cell, helper, initial_state, output_layer=None):
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        if not isinstance(helper, helper_py.Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not callable(output_layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._helper = cell, helper
        self._initial_state, self._output_layer = initial_state, output_layer

    @property
    def batch_size(self):
        return self._helper.batch_size

    def _rnn_output_size(self):
        size = self._cell.output_size
        if self._output_layer is None:
            return size
        shapes = nest.map_structure(
            lambda s: tensor_shape.TensorShape([None]).concatenate(tensor_shape.as_shape(s)), size
        )
        made = self._output_layer.compute_output_shape(shapes)
        return nest.map_structure(lambda shape: shape[1:], made)

    @property
    def output_size(self):
        return BasicDecoderOutput(rnn_output=self._rnn_output_size(), sample_id=self._helper.sample_ids_shape)

    @property
    def output_dtype(self):
        dtype = nest.flatten(self._initial_state)[0].dtype
        return BasicDecoderOutput(
            nest.map_structure(lambda _: dtype, self._rnn_output_size()), self._helper.sample_ids_dtype
        )

    def initialize(self, name=None):
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time, inputs, state, name=None):
        with ops.name_scope(name, "BasicDecoderStep", (time, inputs, state)):
            outputs, cell_state = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            sample_ids = self._helper.sample(time=time, outputs=outputs, state=cell_state)
            finished, next_inputs, next_state = self._helper.next_inputs(
                time=time, outputs=outputs, state=cell_state, sample_ids=sample_ids
            )
        return BasicDecoderOutput(outputs, sample_ids), next_state, next_inputs, finished
