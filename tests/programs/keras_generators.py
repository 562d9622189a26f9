"""Keras with generators: random pictures, class weights, early stopping, a subclassed model."""

import numpy as np
import tensorflow as tf

keras = tf.keras
np.random.seed(2)
pictures = np.random.rand(60, 8, 8, 1).astype("float32")
classes = (pictures[:, :, :4].mean((1, 2, 3)) > pictures[:, :, 4:].mean((1, 2, 3))).astype("int32")


def batches(size):
    while True:
        for i in range(0, 60, size):
            yield pictures[i : i + size] * 2 - 1, classes[i : i + size]


class Net(keras.Model):
    def __init__(self):
        super(Net, self).__init__()
        self.flat = keras.layers.Flatten()
        self.hidden = keras.layers.Dense(10, activation="relu", kernel_initializer=keras.initializers.Constant(0.02))
        self.out = keras.layers.Dense(
            2, activation="softmax", kernel_initializer=keras.initializers.RandomUniform(-1, 1, seed=7)
        )

    def call(self, inputs):
        return self.out(self.hidden(self.flat(inputs)))


model = Net()
model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.RMSprop(lr=0.002), metrics=["acc"])
history = model.fit_generator(
    batches(15),
    steps_per_epoch=4,
    epochs=4,
    verbose=0,
    class_weight={0: 1.0, 1: 1.5},
    callbacks=[keras.callbacks.EarlyStopping(monitor="loss", patience=2)],
)
print(["%.5f" % v for v in history.history["loss"]])
print(["%.3f" % v for v in model.evaluate_generator(batches(15), steps=4)])
print(model.predict_generator(batches(20), steps=3).shape)
print("one batch: %.5f" % model.train_on_batch(pictures[:20], classes[:20])[0])

steps = keras.preprocessing.sequence.TimeseriesGenerator(
    np.arange(30.0)[:, None], np.arange(30.0), length=5, batch_size=8
)
series = keras.Sequential(
    [
        keras.layers.Flatten(input_shape=(5, 1)),
        keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(0.2)),
    ]
)
series.compile("sgd", keras.losses.Huber(delta=1.0))
print(["%.4f" % v for v in series.fit(steps, epochs=3, shuffle=False, verbose=0).history["loss"]])
