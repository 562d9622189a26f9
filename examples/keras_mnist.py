"""Digits with Keras: python -m tenon.compat examples/keras_mnist.py"""

from tensorflow import keras

(x, y), (test_x, test_y) = keras.datasets.mnist.load_data()
model = keras.Sequential([keras.layers.Flatten(input_shape=(28, 28)), keras.layers.Dense(128, activation="relu"),
                          keras.layers.Dropout(0.2), keras.layers.Dense(10, activation="softmax")])  # fmt: skip
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x / 255.0, y, epochs=2, batch_size=128)
print(model.evaluate(test_x / 255.0, test_y, verbose=0))
