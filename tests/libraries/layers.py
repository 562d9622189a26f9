"""packages: tensorlayer==1.11.1 progressbar2 python-utils tqdm lxml requests scipy scikit-learn joblib cloudpickle loky narwhals threadpoolctl matplotlib imageio wrapt packaging pillow urllib3 idna certifi charset-normalizer contourpy cycler fonttools kiwisolver pyparsing python-dateutil six scikit-image networkx lazy-loader tifffile"""  # noqa: E501

import numpy as np
import tensorflow as tf
import tensorlayer as tl

random = np.random.RandomState(0)
x, labels = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int64, [None])
net = tl.layers.DropoutLayer(tl.layers.InputLayer(x), keep=0.8, name="drop")
net = tl.layers.DenseLayer(tl.layers.DenseLayer(net, 32, tf.nn.relu, name="hidden"), 10, name="output")
cost = tl.cost.cross_entropy(net.outputs, labels, name="cost")
step = tf.train.AdamOptimizer(1e-3).minimize(cost, var_list=net.all_params)
data = random.rand(100, 784).astype("f"), random.randint(0, 10, 100)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    tl.utils.fit(session, net, step, cost, *data, x, labels, batch_size=20, n_epoch=2, print_freq=1)
    assert np.isfinite(session.run(cost, {x: data[0], labels: data[1], **tl.utils.dict_to_one(net.all_drop)}))
