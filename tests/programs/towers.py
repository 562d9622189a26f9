# Devices, and the gradients of several towers averaged.
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(8)
X, Y = rng.rand(64, 4).astype("float32"), rng.rand(64, 1).astype("float32")


def average_gradients(tower_grads):
    average_grads = []
    for grad_and_vars in zip(*tower_grads):
        grads = [tf.expand_dims(g, 0) for g, _ in grad_and_vars]
        grad = tf.reduce_mean(tf.concat(grads, 0), 0)
        average_grads.append((grad, grad_and_vars[0][1]))
    return average_grads


with tf.Graph().as_default(), tf.device("/cpu:0"):
    x, y = tf.placeholder(tf.float32, [64, 4]), tf.placeholder(tf.float32, [64, 1])
    global_step = tf.get_variable("global_step", [], initializer=tf.constant_initializer(0), trainable=False)
    learning_rate = tf.train.piecewise_constant(global_step, [10.0, 20.0], [0.2, 0.1, 0.05])
    opt = tf.train.GradientDescentOptimizer(learning_rate)
    tower_grads, reuse = [], False
    for i in range(2):
        with tf.device("/gpu:%d" % i), tf.name_scope("GPU_%d" % i):
            with tf.variable_scope("net", reuse=reuse):
                w = tf.get_variable("w", [4, 1], initializer=tf.truncated_normal_initializer(stddev=0.1, seed=1))
                part = slice(32 * i, 32 * i + 32)
                cost = tf.reduce_mean(tf.square(tf.matmul(x[part], w) - y[part]))
            reuse = True
            tower_grads.append(opt.compute_gradients(cost))
    grads = average_gradients(tower_grads)
    for grad, var in grads:
        if grad is not None:
            tf.summary.histogram("gradients_on_average/%s" % var.op.name, grad)
    apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)
    ema = tf.train.ExponentialMovingAverage(0.9, global_step)
    with tf.control_dependencies([apply_gradient_op]):
        train_op = ema.apply(tf.trainable_variables())
    print(w.device, cost.op.name, cost.device)
    config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False)
    with tf.Session(config=config) as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(25):
            _, value = sess.run([train_op, cost], {x: X, y: Y})
            if step % 8 == 0:
                print("step %d, loss = %.5f" % (step, value))
        print(sess.run(ema.average(w)).ravel())
