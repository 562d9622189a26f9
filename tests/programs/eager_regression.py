# Eager execution: tensors that have values, gradients by a tape, variables, a loop over a data set.
import numpy as np
import tensorflow as tf

tf.enable_eager_execution()
print(tf.executing_eagerly(), tf.add(1, 2).numpy(), tf.constant([[1, 2], [3, 4]]).shape)
rng = np.random.RandomState(1)
inputs = rng.randn(200).astype("float32")
noisy = inputs * 3 + 2 + rng.randn(200).astype("float32") * 0.1
W, B = tf.Variable(5.0, name="weight"), tf.Variable(10.0, name="bias")


def prediction(x):
    return x * W + B


def loss(x, y):
    return tf.reduce_mean(tf.square(prediction(x) - y))


def grad(x, y):
    with tf.GradientTape() as tape:
        value = loss(x, y)
    return tape.gradient(value, [W, B])


optimizer = tf.train.GradientDescentOptimizer(learning_rate=0.01)
losses = []
for _ in range(100):
    losses.append(loss(inputs, noisy).numpy())
    dW, dB = grad(inputs, noisy)
    optimizer.apply_gradients([(dW, W), (dB, B)])
print(" ".join("%.5f" % value for value in losses))
print("W = %.4f, B = %.4f" % (W.numpy(), B.numpy()))
dataset = tf.data.Dataset.from_tensor_slices(tf.range(7)).map(tf.square).batch(3)
for batch in dataset:
    print(batch.numpy().tolist())
x = tf.constant(3.0)
with tf.GradientTape() as outer:
    outer.watch(x)
    with tf.GradientTape() as inner:
        inner.watch(x)
        y = x * x * x
    first = inner.gradient(y, x)
print(first.numpy(), outer.gradient(first, x).numpy())


def fizzbuzz(limit):
    words, counter = [], tf.constant(0)
    for _ in range(limit.numpy()):
        counter += 1
        three, five = int(counter % 3) == 0, int(counter % 5) == 0
        words.append("Fizz" * three + "Buzz" * five or str(counter.numpy()))
    return " ".join(words)


print(fizzbuzz(tf.constant(15)))
layer = tf.layers.Dense(2, kernel_initializer=tf.ones_initializer())
print(layer(tf.ones([2, 3])).numpy().tolist(), len(layer.variables))
try:
    tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))
except tf.errors.InvalidArgumentError:
    print("shapes do not fit")
