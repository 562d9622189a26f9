"""packages: gpflow==1.5.1 multipledispatch decorator scipy pandas pytz python-dateutil==2.9.0 six"""

import gpflow
import numpy as np

random = np.random.RandomState(0)
x = random.rand(20, 1)
model = gpflow.models.GPR(
    x, np.sin(6 * x) + 0.1 * random.randn(20, 1), kern=gpflow.kernels.Matern52(1, lengthscales=0.3)
)
before = model.compute_log_likelihood()
gpflow.train.ScipyOptimizer().minimize(model, maxiter=20)
assert model.compute_log_likelihood() > before
mean, variance = model.predict_y(x[:3])
assert mean.shape == variance.shape == (3, 1) and (variance > 0).all()
