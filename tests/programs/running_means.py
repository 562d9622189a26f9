# Statistics that one condition updates and the next reads and resets, as loops of reinforcement learning keep them.
import tensorflow as tf


class StreamingMean(object):
    def __init__(self):
        self.total = tf.Variable(0.0, trainable=False)
        self.count = tf.Variable(0, trainable=False)

    def submit(self, values):
        return tf.group(self.total.assign_add(tf.reduce_sum(values)), self.count.assign_add(tf.shape(values)[0]))

    def clear(self):
        mean = self.total / tf.cast(self.count, tf.float32)
        with tf.control_dependencies([mean]):
            zeros = [self.total.assign(0.0), self.count.assign(0)]
        with tf.control_dependencies(zeros):
            return tf.identity(mean)


step = tf.Variable(0, trainable=False, name="step")
done = tf.equal([step % 3, step % 4], 0)
score = tf.cast([step, step**2], tf.float32)
report = tf.placeholder(tf.bool)
mean = StreamingMean()
with tf.control_dependencies([done, score]):
    finished = tf.gather(score, tf.where(done)[:, 0])
    submitted = tf.cond(tf.reduce_any(done), lambda: mean.submit(finished), tf.no_op)
with tf.control_dependencies([submitted]):
    value = tf.cond(report, mean.clear, float)
    next_step = step.assign_add(1)

visits = tf.Variable(tf.zeros([5]), trainable=False)


def walk(i, where):
    with tf.control_dependencies([tf.scatter_add(visits, [where], [1.0])]):
        return i + 1, (where + tf.to_int32(tf.reduce_sum(visits))) % 5


steps, place = tf.while_loop(lambda i, _: i < 7, walk, [0, 0], parallel_iterations=1)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(12):
        print(i, sess.run([value, next_step], {report: i % 4 == 3}))
    for _ in range(2):
        print(sess.run(place), sess.run(visits))
