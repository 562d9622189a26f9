"""packages: deepctr==0.6.3 requests urllib3 idna certifi charset-normalizer h5py"""

import numpy as np
from deepctr.inputs import DenseFeat, SparseFeat
from deepctr.models import DeepFM

columns = [SparseFeat("a", 10), DenseFeat("b", 1)]
model = DeepFM(columns, columns, task="binary")
model.compile("adam", "binary_crossentropy")
random = np.random.RandomState(0)
data = {"a": random.randint(0, 10, 50), "b": random.rand(50)}
losses = model.fit(data, data["a"] > 5, epochs=8, verbose=0).history["loss"]
assert losses[-1] < losses[0], losses
