# Graphs, tensors and sessions.
import tensorflow as tf

a = tf.constant([1.0, 2.0], name="a")
b = tf.constant([2.0, 3.0], name="b")
result = a + b
print(result.name, result.get_shape(), result.dtype.name)
print(a.graph is tf.get_default_graph())

g1 = tf.Graph()
with g1.as_default():
    v = tf.get_variable("v", initializer=tf.zeros_initializer(), shape=[1])
g2 = tf.Graph()
with g2.as_default():
    v = tf.get_variable("v", initializer=tf.ones_initializer(), shape=[1])

for graph in (g1, g2):
    with tf.Session(graph=graph) as sess:
        tf.global_variables_initializer().run()
        with tf.variable_scope("", reuse=True):
            print(sess.run(tf.get_variable("v")))

sess = tf.Session()
with sess.as_default():
    print(result.eval())
sess.close()

sess = tf.InteractiveSession()
print(result.eval())
sess.close()

config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False)
with tf.Session(config=config) as sess:
    x = tf.placeholder(tf.float32, shape=[None, 2], name="x")
    print(sess.run(tf.matmul(x, [[0.5], [0.25]]), feed_dict={x: [[1, 2], [3, 4], [5, 6]]}))
    try:
        sess.run(tf.matmul(x, [[0.5], [0.25]]))
    except tf.errors.InvalidArgumentError:
        print("a placeholder has to be fed")
