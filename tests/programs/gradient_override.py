# Gradients by hand: overridden for ReLUs, by a py_func, kept out by stop_gradient, and pictures that please a filter.
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.ops import gen_nn_ops


@ops.RegisterGradient("GuidedRelu")
def _guided_relu_grad(op, grad):
    zeros = tf.zeros(grad.get_shape())
    return tf.where(grad > 0.0, gen_nn_ops.relu_grad(grad, op.outputs[0]), zeros)


def py_func(func, inp, Tout, stateful=True, name=None, grad=None):
    rnd_name = "PyFuncGrad%d" % abs(hash(name))
    tf.RegisterGradient(rnd_name)(grad)
    with tf.get_default_graph().gradient_override_map({"PyFunc": rnd_name}):
        return tf.py_func(func, inp, Tout, stateful=stateful, name=name)


x = tf.constant(np.linspace(-2, 2, 10).reshape(2, 5).astype("float32"))
weights = tf.constant(np.random.RandomState(2).randn(5, 3).astype("float32"))
graph = tf.get_default_graph()
with graph.gradient_override_map({"Relu": "GuidedRelu"}):
    guided = tf.nn.relu(tf.matmul(tf.nn.relu(x), weights))
plain = tf.nn.relu(tf.matmul(tf.nn.relu(x), weights))
spiky = py_func(lambda v: np.mod(v, 1).astype("float32"), [x], [tf.float32], name="spiky",
                grad=lambda op, g: g * tf.cast(op.inputs[0] > 0, tf.float32))[0]  # fmt: skip
stopped = tf.reduce_sum(tf.stop_gradient(x) * x)

image = tf.placeholder(tf.float32, [None, 12, 12, 3])
kernel = tf.constant(np.random.RandomState(3).randn(3, 3, 3, 4).astype("float32") * 0.2)
objective = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(image, kernel, [1, 1, 1, 1], "SAME"))[..., 1])
image_gradient = tf.gradients(objective, image)[0]
bigger = tf.image.resize_bilinear(image, [18, 18])
with tf.Session() as sess:
    for y in (guided, plain):
        print(sess.run(tf.gradients(y, x)[0]).round(5).tolist())
    print(sess.run([spiky, tf.gradients(spiky, x)[0]]))
    print(sess.run(tf.gradients(stopped, x)[0]))
    picture = np.random.RandomState(4).uniform(size=(1, 12, 12, 3)) + 100.0
    for step in range(20):
        score, g = sess.run([objective, image_gradient], {image: picture})
        picture += g / (g.std() + 1e-8)
        if step % 5 == 0:
            print("score %.4f" % score)
    print(sess.run(bigger, {image: picture}).mean().round(3))
