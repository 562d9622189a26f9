"""packages: tensorflow-probability==0.7.0 cloudpickle==2.2.1 decorator==4.4.0 six"""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd, tfb = tfp.distributions, tfp.bijectors
normal = tfd.MultivariateNormalTriL([0.0, 1.0], [[2.0, 0.0], [0.5, 1.0]])
lognormal = tfd.TransformedDistribution(tfd.Normal(0.0, 1.0), tfb.Exp())
process = tfd.GaussianProcess(
    tfp.positive_semidefinite_kernels.ExponentiatedQuadratic(), np.linspace(0, 1, 4)[:, None].astype("f")
)
kernel = tfp.mcmc.HamiltonianMonteCarlo(lambda x: -x * x / 2.0, step_size=0.5, num_leapfrog_steps=2, seed=3)
states = tfp.mcmc.sample_chain(
    num_results=300, current_state=tf.constant(1.0), kernel=kernel, num_burnin_steps=20, trace_fn=None
)
with tf.Session() as session:
    density, other, divergence, drawn, chain = session.run(
        [normal.log_prob([1.0, 1.0]), lognormal.log_prob(2.0),
         tfd.kl_divergence(tfd.Normal(0.0, 1.0), tfd.Normal(1.0, 2.0)), process.sample(seed=1), states]
    )  # fmt: skip
solved = np.linalg.solve([[2.0, 0.0], [0.5, 1.0]], [1.0, 0.0])
np.testing.assert_allclose(density, -solved @ solved / 2 - np.log(2.0) - np.log(2 * np.pi), rtol=1e-5)
np.testing.assert_allclose(other, -(np.log(2.0) ** 2) / 2 - np.log(2.0) - np.log(2 * np.pi) / 2, rtol=1e-5)
np.testing.assert_allclose(divergence, np.log(2.0) + 2 / 8 - 0.5, rtol=1e-5)
assert drawn.shape == (4,) and np.isfinite(drawn).all()
assert abs(chain.mean()) < 0.5 and 0.5 < chain.std() < 1.5, (chain.mean(), chain.std())
