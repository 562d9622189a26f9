# Variables under scopes, and their reuse.
import tensorflow as tf

with tf.variable_scope("foo"):
    v = tf.get_variable("v", [1], initializer=tf.constant_initializer(1.0))
try:
    with tf.variable_scope("foo"):
        v = tf.get_variable("v", [1])
except ValueError as error:
    print("Variable foo/v already exists" in str(error))
with tf.variable_scope("foo", reuse=True):
    v1 = tf.get_variable("v", [1])
    print(v == v1, v is v1)
try:
    with tf.variable_scope("bar", reuse=True):
        tf.get_variable("v", [1])
except ValueError as error:
    print("does not exist" in str(error))

with tf.variable_scope("root"):
    print(tf.get_variable_scope().reuse)
    with tf.variable_scope("foo", reuse=True):
        print(tf.get_variable_scope().reuse)
        with tf.variable_scope("bar"):
            print(tf.get_variable_scope().reuse)
    print(tf.get_variable_scope().reuse)

v2 = tf.get_variable("v", [1])
print(v2.name)
with tf.variable_scope("foo", reuse=False):
    with tf.variable_scope("bar"):
        v3 = tf.get_variable("v", [2])
        print(v3.name, (v3 + 1).name)
    with tf.name_scope("scope"):
        print(tf.Variable([1], name="b").name, tf.get_variable("w", [1]).name)
with tf.variable_scope("", reuse=True):
    print(tf.get_variable("foo/bar/v", [2]) is v3)
print([v.name for v in tf.global_variables()])
print([v.name for v in tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="foo")])
