"""Keras in the order of the layers: a convolutional network on synthetic digits, saved and loaded again."""

import numpy as np
import tensorflow as tf

keras = tf.keras
np.random.seed(0)
templates = np.random.rand(4, 12, 12, 1)
labels = np.random.randint(0, 4, 240)
images = (templates[labels] + 0.3 * np.random.randn(240, 12, 12, 1)).astype("float32")


def start(scale, seed):
    return keras.initializers.RandomUniform(-scale, scale, seed=seed)


model = keras.models.Sequential()
model.add(keras.layers.Conv2D(6, 3, activation="relu", kernel_initializer=start(0.3, 1), input_shape=(12, 12, 1)))
model.add(keras.layers.MaxPooling2D((2, 2)))
model.add(keras.layers.Flatten())
model.add(
    keras.layers.Dense(
        16, activation="tanh", kernel_initializer=start(0.1, 2), kernel_regularizer=keras.regularizers.l2(0.001)
    )
)
model.add(keras.layers.Dense(4, activation="softmax", kernel_initializer=start(0.3, 3)))
model.compile(
    loss="categorical_crossentropy", optimizer=keras.optimizers.SGD(lr=0.05, momentum=0.9), metrics=["accuracy"]
)
print("parameters", model.count_params())

targets = keras.utils.to_categorical(labels, 4)
history = model.fit(
    images[:200],
    targets[:200],
    batch_size=20,
    epochs=5,
    shuffle=False,
    verbose=0,
    validation_data=(images[200:], targets[200:]),
)
for loss, accuracy in zip(history.history["loss"], history.history["val_acc"]):
    print("loss %.5f, validation accuracy %.3f" % (loss, accuracy))

score = model.evaluate(images[200:], targets[200:], verbose=0)
print("test loss %.4f, accuracy %.3f" % tuple(score))
model.save("model.h5")
again = keras.models.load_model("model.h5")
print("the same after loading:", np.allclose(again.predict(images[:8]), model.predict(images[:8]), atol=1e-5))
more = again.fit(images[:200], targets[:200], batch_size=20, epochs=1, shuffle=False, verbose=0).history["loss"][0]
print("training goes on at %.5f" % more)
weights, biases = again.layers[-1].get_weights()
print(weights.shape, biases.shape, [layer.name for layer in again.layers])
