"""packages: tensorflow-hub==0.4.0 six
environment: PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python"""

import tempfile

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub


def halves():
    x = tf.placeholder(tf.float32, [None, 2])
    hub.add_signature(inputs=x, outputs=x * tf.get_variable("factor", initializer=0.5))


folder = tempfile.mkdtemp() + "/module"
with tf.Graph().as_default(), tf.Session() as session:
    module = hub.Module(hub.create_module_spec(halves))
    session.run(tf.global_variables_initializer())
    module.export(folder, session)
with tf.Graph().as_default(), tf.Session() as session:
    made = hub.Module(folder)(tf.constant([[2.0, 4.0]]))
    session.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(session.run(made), [[1.0, 2.0]])
