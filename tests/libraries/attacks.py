"""packages: cleverhans==3.0.1 keras==2.2.4 scipy matplotlib joblib six"""

import numpy as np
import tensorflow as tf
from cleverhans.attacks import CarliniWagnerL2, FastGradientMethod, ProjectedGradientDescent
from cleverhans.model import CallableModelWrapper

weights = tf.Variable(tf.random_normal([8, 3], seed=1))
model = CallableModelWrapper(lambda x: tf.matmul(tf.reshape(x, [-1, 8]), weights), "logits")
x = np.random.RandomState(0).rand(5, 8).astype("f")
bounds = {"clip_min": 0.0, "clip_max": 1.0}
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    near = FastGradientMethod(model, sess=session).generate_np(x, eps=0.1, **bounds)
    assert 0 < np.abs(near - x).max() <= 0.1001
    near = ProjectedGradientDescent(model, sess=session).generate_np(x, eps=0.1, nb_iter=3, eps_iter=0.05, **bounds)
    assert 0 < np.abs(near - x).max() <= 0.1001
    CarliniWagnerL2(model, sess=session).generate_np(x, max_iterations=5, binary_search_steps=2, batch_size=5, **bounds)
