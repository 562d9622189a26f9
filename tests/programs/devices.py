# Devices: where nodes and variables go, soft placement, logging, options of the session.
import numpy as np
import tensorflow as tf

a = tf.constant([1.0, 2.0, 3.0], shape=[3], name="a")
b = tf.constant([1.0, 2.0, 3.0], shape=[3], name="b")
c = a + b
with tf.Session(config=tf.ConfigProto(log_device_placement=True)) as sess:
    print(sess.run(c), repr(c.device))

with tf.device("/cpu:0"):
    with tf.variable_scope("on_cpu"):
        w = tf.get_variable("w", [3], initializer=tf.ones_initializer())
with tf.device("/gpu:1"):
    d = a * b + w
    print(d.device, d.op.device, w.device, w.op.device)

a_cpu = tf.Variable(0, name="a_cpu")
with tf.device("/gpu:0"):
    a_gpu = tf.Variable(0, name="a_gpu")
try:
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=False)) as sess:
        sess.run(tf.variables_initializer([a_gpu]))
except tf.errors.InvalidArgumentError as error:
    print("InvalidArgumentError", "Cannot assign a device for operation" in str(error), "a_gpu" in str(error))
config = tf.ConfigProto(allow_soft_placement=True)
config.gpu_options.allow_growth = True
config.gpu_options.per_process_gpu_memory_fraction = 0.4
config.intra_op_parallelism_threads = 1
config.inter_op_parallelism_threads = 1
with tf.Session(config=config) as sess:
    sess.run(tf.global_variables_initializer())
    print(sess.run([a_cpu, a_gpu]), sess.run(d))


def assign_to_device(device, ps_device="/device:CPU:0"):
    def _assign(op):
        node_def = op if isinstance(op, tf.NodeDef) else op.node_def
        return ps_device if node_def.op in ("Variable", "VariableV2") else device

    return _assign


with tf.device(assign_to_device("/device:GPU:3")):
    v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
    doubled = 2.0 * v
print(v.device, "|", doubled.device)
with tf.device("/job:ps/task:1"):
    with tf.device("/cpu:0"):
        x = tf.constant(1.0)
    with tf.device(None):
        y = tf.constant(2.0)
    with tf.colocate_with(x.op):
        z = tf.constant(3.0)
print(x.device, "|", y.device, "|", z.device, z.op.colocation_groups())
setter = tf.train.replica_device_setter(ps_tasks=2, worker_device="/job:worker/task:0")
with tf.device(setter):
    places = [tf.get_variable("p%d" % i, [1]).device for i in range(4)] + [tf.constant(1.0).device]
print(places)
print(np.array(config.gpu_options.allow_growth), config.allow_soft_placement)
