"""The LSTM cell whose gates see the cell's state."""

from tenon.python.keras.layers.recurrent_cells import LSTMCell

TF_NAMESPACES = ("keras.experimental",)


class PeepholeLSTMCell(LSTMCell):
    """An LSTM cell whose gates see the cell's state."""

    def build(self, input_shape):
        """Makes the weights."""
        super().build(input_shape)
        self.input_gate_peephole_weights, self.forget_gate_peephole_weights, self.output_gate_peephole_weights = (
            self.add_weight(f"{name}_gate_peephole_weights", (self.units,), initializer=self.kernel_initializer)
            for name in ("input", "forget", "output")
        )

    def call(self, inputs, states, training=None):
        """One step."""
        c, gate = states[1], self.recurrent_activation
        i, f, g, o = self._sums(inputs, states[0], training)
        i = gate(i + self.input_gate_peephole_weights * c)
        f = gate(f + self.forget_gate_peephole_weights * c)
        c = f * c + i * self.activation(g)
        output = gate(o + self.output_gate_peephole_weights * c) * self.activation(c)
        return output, [output, c]
