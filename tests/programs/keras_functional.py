"""Keras by functions: two inputs, two outputs with weights of their losses, shared layers, callbacks."""

import numpy as np
import tensorflow as tf

K, Model = tf.keras.backend, tf.keras.models.Model
Dense, Embedding, Input, LSTM = tf.keras.layers.Dense, tf.keras.layers.Embedding, tf.keras.Input, tf.keras.layers.LSTM
Lambda, concatenate = tf.keras.layers.Lambda, tf.keras.layers.concatenate

np.random.seed(1)
words = np.random.randint(1, 20, (160, 6))
words[::3, 4:] = 0
numbers = np.random.rand(160, 3).astype("float32")
signs = (numbers.sum(1) > 1.5).astype("float32")
sums = (words.sum(1) / 60.0).astype("float32")


def start(seed, scale=0.2):
    return tf.keras.initializers.RandomUniform(-scale, scale, seed=seed)


text = Input(shape=(6,), dtype="int32", name="text")
more = Input(shape=(3,), name="more")
x = Embedding(20, 8, mask_zero=True, embeddings_initializer=start(1))(text)
x = LSTM(6, kernel_initializer=start(2), recurrent_initializer=start(3), recurrent_activation="sigmoid")(x)
squared = Lambda(lambda v: K.square(v) + v, name="squared")(more)
both = concatenate([x, squared])
hidden = Dense(8, activation="relu", kernel_initializer=start(4, 0.5))
first, second = hidden(both), hidden(both)
sign = Dense(1, activation="sigmoid", name="sign", kernel_initializer=start(5))(first)
total = Dense(1, name="total", kernel_initializer=start(6))(second)
model = Model(inputs=[text, more], outputs=[sign, total])
model.compile(
    optimizer=tf.keras.optimizers.Adam(lr=0.01),
    loss={"sign": "binary_crossentropy", "total": "mse"},
    loss_weights={"sign": 1.0, "total": 0.5},
    metrics={"sign": "accuracy"},
)
print(model.metrics_names)


class Shown(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(
            "epoch %d: loss %.5f, sign %.5f, total %.5f" % (epoch, logs["loss"], logs["sign_loss"], logs["total_loss"])
        )


schedule = tf.keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 * 0.5 ** (epoch // 3))
model.fit(
    {"text": words, "more": numbers},
    {"sign": signs, "total": sums},
    epochs=6,
    batch_size=32,
    shuffle=False,
    verbose=0,
    callbacks=[Shown(), schedule],
)
print(["%.4f" % v for v in model.evaluate([words, numbers], [signs, sums], batch_size=32, verbose=0)])
inner = K.function([model.input[0], model.input[1]], [both])
print(inner([words[:2], numbers[:2]])[0].round(3))
