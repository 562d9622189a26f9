"""tenon.keras.layers: outputs and gradients of each layer equal TensorFlow's."""

import numpy as np
import pytest

from api.both import both

pytestmark = pytest.mark.filterwarnings("ignore")
LAYERS = [
    ("Conv1D", (6, 3), dict(filters=4, kernel_size=3, padding="causal", dilation_rate=2)),  # noqa: C408
    ("Conv2D", (7, 6, 3), dict(filters=4, kernel_size=3, strides=2, padding="same", activation="relu")),  # noqa: C408
    ("Conv2D", (7, 6, 3), dict(filters=2, kernel_size=(2, 3), dilation_rate=2)),  # noqa: C408
    ("Conv3D", (4, 5, 4, 2), dict(filters=3, kernel_size=2)),  # noqa: C408
    ("Conv2DTranspose", (4, 5, 3), dict(filters=2, kernel_size=3, strides=2, padding="same")),  # noqa: C408
    ("SeparableConv2D", (6, 6, 2), dict(filters=3, kernel_size=3, depth_multiplier=2)),  # noqa: C408
    ("DepthwiseConv2D", (6, 6, 2), dict(kernel_size=3, depth_multiplier=2)),  # noqa: C408
    ("MaxPooling1D", (6, 3), {}), ("MaxPooling2D", (6, 7, 3), dict(pool_size=3, strides=2, padding="same")),  # noqa: C408
    ("MaxPooling3D", (4, 4, 4, 2), {}), ("AveragePooling1D", (6, 3), {}), ("AveragePooling2D", (6, 6, 3), {}),
    ("AveragePooling3D", (4, 4, 4, 2), {}), ("GlobalMaxPooling1D", (6, 3), {}),
    ("GlobalMaxPooling2D", (4, 5, 3), {}), ("GlobalAveragePooling1D", (6, 3), {}),
    ("GlobalAveragePooling2D", (4, 5, 3), {}), ("UpSampling1D", (4, 3), {}), ("UpSampling2D", (3, 4, 2), {}),
    ("UpSampling3D", (2, 2, 3, 2), {}), ("ZeroPadding1D", (4, 3), dict(padding=2)),  # noqa: C408
    ("ZeroPadding2D", (4, 5, 3), dict(padding=((1, 0), (2, 1)))), ("Cropping1D", (6, 3), {}),  # noqa: C408
    ("Cropping2D", (6, 7, 3), dict(cropping=((1, 2), (0, 1)))), ("LeakyReLU", (4,), {}), ("PReLU", (4,), {}),  # noqa: C408
    ("ELU", (4,), dict(alpha=0.5)), ("ThresholdedReLU", (4,), dict(theta=0.2)), ("Softmax", (4,), {}),  # noqa: C408
    ("ReLU", (4,), dict(max_value=0.4, negative_slope=0.1)), ("LayerNormalization", (5, 4), {}),  # noqa: C408
    ("BatchNormalization", (4, 4, 3), {}), ("Flatten", (3, 4), {}), ("Reshape", (3, 4), dict(target_shape=(2, -1))),  # noqa: C408
    ("Permute", (3, 4), dict(dims=(2, 1))), ("RepeatVector", (4,), dict(n=3)), ("Activation", (4,),  # noqa: C408
    dict(activation="selu")), ("Dense", (3, 4), dict(units=2, activation="tanh")),  # noqa: C408
    ("SimpleRNN", (5, 3), dict(units=4, return_sequences=True)), ("LSTM", (5, 3), dict(units=4)),  # noqa: C408
    ("LSTM", (5, 3), dict(units=4, return_sequences=True, go_backwards=True, unroll=True)),  # noqa: C408
    ("GRU", (5, 3), dict(units=4)), ("GRU", (5, 3), dict(units=4, reset_after=True)),  # noqa: C408
]  # fmt: skip


@pytest.mark.parametrize("start", range(0, len(LAYERS), 11))
def test_layers(start):
    def program(tf):
        found = []
        for name, shape, kwargs in LAYERS[start : start + 11]:
            layer = getattr(tf.keras.layers, name)(name="it", **kwargs)
            x = tf.constant(np.random.RandomState(1).rand(2, *shape).astype("f") - 0.4)
            y = layer(x)
            rng = np.random.RandomState(2)
            layer.set_weights([rng.rand(*w.shape).astype("f") for w in layer.get_weights()])
            values = tf.keras.backend.get_session().run([y, *tf.gradients(y, [x, *layer.trainable_weights])])
            found.append([name, values, [w.shape.as_list() for w in layer.weights],
                          list(layer.compute_output_shape((2, *shape)))])  # fmt: skip
        return found

    both(program, rtol=1e-4, atol=1e-5)


def test_masked_sequences():
    def program(tf):
        k = tf.keras
        model = k.Sequential([k.layers.Embedding(7, 4, mask_zero=True, input_length=5), k.layers.LSTM(3),
                              k.layers.Dense(1)])  # fmt: skip
        rng = np.random.RandomState(3)
        model.set_weights([rng.rand(*w.shape).astype("f") for w in model.get_weights()])
        model.compile("sgd", "mse")
        x = k.preprocessing.sequence.pad_sequences([[1, 2], [3, 4, 5, 6], [6]], 5, padding="post")
        return [model.fit(x, np.ones(3), epochs=2, shuffle=False, verbose=0).history["loss"][1] * 1.0, model.predict(x)]

    both(program, rtol=1e-4, atol=1e-5)


def test_wrappers():
    def program(tf):
        k = tf.keras
        found = []
        for mode in ("concat", "sum"):
            inner = k.layers.LSTM(3, return_sequences=True)
            model = k.Sequential([k.layers.Bidirectional(inner, merge_mode=mode, input_shape=(5, 4)),
                                  k.layers.TimeDistributed(k.layers.Dense(2))])  # fmt: skip
            rng = np.random.RandomState(3)
            model.set_weights([rng.rand(*w.shape).astype("f") for w in model.get_weights()])
            x = rng.rand(2, 5, 4).astype("f")
            again = k.Sequential.from_config(model.get_config())
            again.set_weights(model.get_weights())
            found.append([model.predict(x), again.predict(x)])
        return found

    both(program, rtol=1e-4, atol=1e-5)


def test_tokenizer():
    def program(tf):
        text = tf.keras.preprocessing.text
        made = text.Tokenizer(num_words=6, oov_token="?")
        texts = ["The cat sat, the dog sat!", "a dog and a cat and a bird"]
        made.fit_on_texts(texts)
        sequences = made.texts_to_sequences([*texts, "the zebra"])
        matrices = [made.texts_to_matrix(texts, mode) for mode in ("binary", "count", "freq", "tfidf")]
        return [sequences, dict(made.word_index), matrices, made.sequences_to_texts(sequences),
                text.text_to_word_sequence("A b,c"), text.hashing_trick("a b c", 9, "md5")]  # fmt: skip

    both(program)
