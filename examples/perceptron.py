"""Digits with one hidden layer, as textbooks have it: a falling rate, L2 on the weights, averages of the variables.

usage: python examples/perceptron.py [--steps N] [--seed N]
"""

import argparse

import tenon as tf
from tenon.examples.tutorials.mnist import input_data

BATCH, HIDDEN = 100, 500


def layer(x, size, activation, average=lambda variable: variable):
    """One layer; AVERAGE gives what stands for a variable."""
    regularizer = tf.contrib.layers.l2_regularizer(0.0001)
    shape = [int(x.shape[1]), size]
    weights = tf.get_variable("weights", shape, initializer=tf.truncated_normal_initializer(stddev=0.1),
                              regularizer=regularizer)  # fmt: skip
    biases = tf.get_variable("biases", [size], initializer=tf.constant_initializer(0.0))
    return activation(tf.matmul(x, average(weights)) + average(biases))


def network(x, reuse=False, **options):
    with tf.variable_scope("hidden", reuse=reuse):
        hidden = layer(x, HIDDEN, tf.nn.relu, **options)
    with tf.variable_scope("output", reuse=reuse):
        return layer(hidden, 10, tf.identity, **options)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    mnist = input_data.read_data_sets("MNIST_data", seed=options.seed)
    tf.set_random_seed(options.seed)
    x, y = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int64, [None])
    global_step = tf.train.get_or_create_global_step()
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=network(x))
    loss = tf.reduce_mean(losses) + tf.add_n(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
    averages = tf.train.ExponentialMovingAverage(0.99, global_step)
    rate = tf.train.exponential_decay(0.5, global_step, mnist.train.num_examples // BATCH, 0.9)
    train = tf.train.GradientDescentOptimizer(rate).minimize(loss, global_step)
    with tf.control_dependencies([train]):
        train = averages.apply(tf.trainable_variables())
    logits = network(x, reuse=True, average=averages.average)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            images, labels = mnist.train.next_batch(BATCH)
            value, _ = session.run([loss, train], {x: images, y: labels})
            if step % 1000 == 0 or step == options.steps:
                known = session.run(accuracy, {x: mnist.validation.images, y: mnist.validation.labels})
                print(f"step {step}: loss {value:.4f}, validation accuracy {known:.4f}", flush=True)
        found = session.run(accuracy, {x: mnist.test.images, y: mnist.test.labels})
    print(f"test accuracy {found:.4f}")


if __name__ == "__main__":
    main()
