# Meta graphs, and graphs whose variables became constants.
import tensorflow as tf

v1 = tf.Variable(tf.constant(1.5, shape=[1]), name="v1")
v2 = tf.Variable(tf.constant(2.0, shape=[1]), name="v2")
result = tf.add(v1, v2, name="add")
tf.add_to_collection("results", result)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    tf.train.Saver().save(sess, "./model.ckpt")
    graph_def = tf.get_default_graph().as_graph_def()
    output = tf.graph_util.convert_variables_to_constants(sess, graph_def, ["add"])
    with tf.gfile.GFile("combined_model.pb", "wb") as f:
        f.write(output.SerializeToString())
print(sorted({n.op for n in output.node} & {"Const", "Assign", "VariableV2"}))

tf.reset_default_graph()
saver = tf.train.import_meta_graph("./model.ckpt.meta")
with tf.Session() as sess:
    saver.restore(sess, "./model.ckpt")
    print(sess.run(tf.get_default_graph().get_tensor_by_name("add:0")), sess.run(tf.get_collection("results")))
    print([v.name for v in tf.global_variables()])

tf.reset_default_graph()
with tf.Session() as sess:
    with tf.gfile.FastGFile("combined_model.pb", "rb") as f:
        graph_def = tf.GraphDef()
        graph_def.ParseFromString(f.read())
    result = tf.import_graph_def(graph_def, return_elements=["add:0"])
    print(sess.run(result), result[0].name)
