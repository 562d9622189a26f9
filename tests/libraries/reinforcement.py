"""packages: tensorforce==0.4.3 gym==0.17.3 cloudpickle pyglet scipy tqdm"""

import numpy as np
from tensorforce.agents import PPOAgent

layers = [{"type": "dense", "size": 8}, {"type": "dense", "size": 8}]
agent = PPOAgent(states={"type": "float", "shape": (4,)}, actions={"type": "int", "num_actions": 2}, network=layers,
                 step_optimizer={"type": "adam", "learning_rate": 1e-3})  # fmt: skip
random = np.random.RandomState(0)
for i in range(30):
    action = agent.act(random.rand(4))
    assert action in (0, 1)
    agent.observe(reward=float(action), terminal=i % 10 == 9)
agent.close()
