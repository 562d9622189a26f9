"""Makes random recipes: sources, then units drawn by weight, then fetches."""

import numpy as np

from oracle.random_graphs import ops
from oracle.random_graphs.recipe import Recipe, Unit

FLOATS = ("float32", "float32", "float32", "float32", "float64", "float16", "bfloat16")
SIZES = (1, 2, 3, 4, 5, 7, 8, 16, 17)


class Maker:
    """A recipe in the making."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.recipe = Recipe(seed)
        self.pool = []
        self.variables = []
        self.slots = []

    def chance(self, p):
        return self.random.random_sample() < p

    def choose(self, options):
        return options[self.random.randint(len(options))]

    def shape(self, rank=None):
        rank = self.random.randint(0, 5) if rank is None else rank
        return tuple(int(self.choose(SIZES)) for _ in range(rank))

    def pick(self, want, tries=12):
        """A value of the pool for which WANT is true, None if there seems to be none; late ones are likelier."""
        for _ in range(tries):
            i = int(len(self.pool) * np.sqrt(self.random.random_sample()))
            if want(self.pool[i]):
                return self.pool[i]
        return None

    def add(self, unit):
        """Takes UNIT up; its values join the pool."""
        values = self.recipe.add(unit)
        self.pool += [v for v in values if not unit.fixed]
        return values

    def numbers(self, dtype, shape):
        """Small multiples of 1/8, or integers."""
        if dtype == "bool":
            return self.random.randint(0, 2, shape).astype(bool)
        if dtype.startswith("int"):
            return self.random.randint(-4, 5, shape).astype(dtype)
        return self.random.randint(-24, 25, shape) / 8.0

    def source(self, dtype, shape):
        """A fed placeholder (its shape known, partly known or not) or a constant."""
        value = self.numbers(dtype, shape)
        if self.chance(0.5):
            return self.constant(value, dtype)
        unit = Unit("feed", [])
        known = self.choose([list(shape)] * 4 + [[None] * len(shape), None])
        unit.gives(unit.node("Placeholder", dtype=dtype, shape=known), dtype, shape, exact=True, bound=4)
        from tenon._thin import as_dtype

        unit.feed = np.asarray(value).astype(as_dtype(dtype).numpy)
        return self.add(unit)[0]

    def constant(self, value, dtype):
        unit = Unit("constant", [])
        bound = max(1.0, float(np.abs(value).max(initial=0))) if dtype != "bool" else 1.0
        unit.gives(unit.const(value, dtype), dtype, np.shape(value), exact=True, bound=bound)
        return self.add(unit)[0]


def make(seed):
    """The recipe of SEED."""
    m = Maker(seed)
    for _ in range(m.random.randint(2, 5)):
        m.source(m.choose(FLOATS), m.shape())
    m.source("int32", m.shape())
    if m.chance(0.4):
        m.source("float32", (2, 9, 8, int(m.choose((1, 3, 4)))))
    wanted = m.random.randint(4, 30)
    for _ in range(wanted):
        generator = ops.draw(m.random)
        generator(m)
    finish(m)
    return m.recipe


def finish(m):
    """Fetches: the last value, some others, each variable, and now and then gradients."""
    numbers = [v for v in m.pool if v.unit >= 0]
    picked = {id(v): v for v in [numbers[-1], *(m.choose(numbers) for _ in range(4))]}
    m.recipe.fetches = list(picked.values()) + [
        last for last in (ops.read_last(m, var) for var in (*m.variables, *m.slots)) if last
    ]
    if m.chance(0.3):
        ops.gradients(m)
