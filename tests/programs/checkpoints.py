# Saving, restoring under other names, and restoring moving averages.
import tensorflow as tf

v1 = tf.Variable(tf.constant(1.0, shape=[1]), name="v1")
v2 = tf.Variable(tf.constant(2.0, shape=[1]), name="v2")
result = v1 + v2
saver = tf.train.Saver()
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print(saver.save(sess, "model/model.ckpt"))
with tf.Session() as sess:
    saver.restore(sess, "model/model.ckpt")
    print(sess.run(result))
print(tf.train.latest_checkpoint("model"))

tf.reset_default_graph()
u1 = tf.Variable(tf.constant(5.0, shape=[1]), name="other-v1")
u2 = tf.Variable(tf.constant(6.0, shape=[1]), name="other-v2")
with tf.Session() as sess:
    tf.train.Saver({"v1": u1, "v2": u2}).restore(sess, "model/model.ckpt")
    print(sess.run(u1 + u2))

tf.reset_default_graph()
v = tf.Variable(0, dtype=tf.float32, name="v")
ema = tf.train.ExponentialMovingAverage(0.99)
average = ema.apply(tf.global_variables())
print([x.name for x in tf.global_variables()])
saver = tf.train.Saver()
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(tf.assign(v, 10))
    sess.run(average)
    saver.save(sess, "model/ema.ckpt", global_step=7)
    print(sess.run([v, ema.average(v)]))

tf.reset_default_graph()
v = tf.Variable(0, dtype=tf.float32, name="v")
ema = tf.train.ExponentialMovingAverage(0.99)
print({k: x.name for k, x in ema.variables_to_restore().items()})
with tf.Session() as sess:
    tf.train.Saver(ema.variables_to_restore()).restore(sess, "model/ema.ckpt-7")
    print(sess.run(v))
reader = tf.train.NewCheckpointReader("model/ema.ckpt-7")
for name, shape in sorted(reader.get_variable_to_shape_map().items()):
    print(name, shape, reader.get_tensor(name))
