"""Programs that say `import tensorflow`, run by python -m tenon.compat."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import graph_util
from tensorflow.python.framework.ops import Tensor
import tensorflow.compat.v1 as tf1
import tensorflow.contrib.nothing_such as nothing
from tensorflow.contrib.nothing_such import other
from tensorflow.contrib.layers.python.layers import missing_module
try:
    from tensorflow.python.ops import no_such_module
except ImportError:
    no_such_module = None
tf.app.flags.DEFINE_integer("steps", 1, "steps")

def main(_):
    assert tf1.constant is tf.constant and graph_util.extract_sub_graph
    assert no_such_module is None and tf.__version__.startswith("1.") and np.float is float
    with tf.Session() as session:
        value = session.run(tf.constant(2.0) * tf.app.flags.FLAGS.steps)
    for call in (other, nothing.deep.name, missing_module, missing_module.function):
        try:
            call(1)
        except NotImplementedError as error:
            print(error)
    print(value, sys.argv[1:], __file__, __name__)

if __name__ == "__main__":
    tf.app.run()
"""


def run(*arguments, **options):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    command = [sys.executable, "-m", "tenon.compat", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, **options)


def test_a_program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    done = run(str(path), "--steps=3", "rest")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "tensorflow.contrib.nothing_such.other is not there" in lines[0]
    assert "tensorflow.contrib.nothing_such.deep.name is not there" in lines[1]
    assert "missing_module is not there" in lines[2] and "missing_module.function is not there" in lines[3]
    assert lines[4] == f"6.0 ['--steps=3', 'rest'] {path} __main__"


def test_a_module(tmp_path):
    (tmp_path / "prog.py").write_text("import tensorflow as tf\nprint(tf.Session().run(tf.constant(3)))\n")
    done = run("-m", "prog", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_what_goes_wrong(tmp_path):
    assert run().returncode == 2 and run(str(tmp_path / "nothing.py")).returncode == 2
    path = tmp_path / "program.py"
    path.write_text("import tensorflow as tf\ntf.no_such_function(1)\n")
    done = run(str(path))
    assert done.returncode == 1 and "no_such_function" in done.stderr and str(path) in done.stderr


def test_everything_at_once(tmp_path):
    """`import *` of the package and of modules deep in it; modules of tensorflow.python have what is public too."""
    (tmp_path / "stars.py").write_text(
        "from tensorflow.compat.v1 import *\nfrom tensorflow import *\n"
        "from tensorflow.python.ops.rnn_cell import *\n"
        "from tensorflow.python.keras.layers import Dense, Layer\n"
        "from tensorflow.python.keras import backend as K, losses\n"
        "from tensorflow.python.keras.initializers import Zeros\n"
        "from tensorflow.python.framework import ops\n"
        "assert isinstance(constant(1), ops._TensorLike) and K.ndim(zeros([2, 3])) == 2\n"
        "assert issubclass(Dense, Layer) and issubclass(LSTMCell, RNNCell) and losses.get('mse') and Zeros()\n"
    )
    done = run(str(tmp_path / "stars.py"))
    assert done.returncode == 0, done.stderr


KERAS = """
from keras.backend.tensorflow_backend import set_session, _get_available_gpus
from keras import backend as K
from keras.layers.noise import GaussianNoise
from keras.layers.cudnn_recurrent import CuDNNLSTM
from keras.engine.network import Network
from keras.legacy import interfaces
from keras.objectives import categorical_crossentropy
from keras.utils.layer_utils import print_summary
import keras, keras.backend.tensorflow_backend as KTF, tensorflow as tf
from tensorflow.keras.backend import set_session as same
assert K.tensorflow_backend.get_session is KTF.get_session is K.get_session and not KTF._get_available_gpus()
set_session(tf.Session())
assert keras.__version__.startswith("2.2.4") and set_session is same and issubclass(keras.models.Model, Network)

class Halved(keras.optimizers.Optimizer):
    def __init__(self, **options):
        super(Halved, self).__init__(**options)
        self.lr = K.variable(0.5, name='lr')

    @interfaces.legacy_get_updates_support
    def get_updates(self, loss, params):
        self.updates = [K.update(p, p - self.lr * g) for p, g in zip(params, self.get_gradients(loss, params))]
        return self.updates

    def get_config(self):
        return {"lr": float(K.get_value(self.lr))}

model = keras.models.Sequential([keras.layers.Dense(1, use_bias=False, input_shape=(1,), kernel_initializer="ones")])
model.compile(Halved(), "mse")
model.train_on_batch([[1.0]], [[0.0]])
print_summary(model)
assert model.get_weights()[0].item() == 0.0
"""


def test_keras_as_a_package_of_its_own(tmp_path):
    (tmp_path / "program.py").write_text(KERAS)
    done = run(str(tmp_path / "program.py"))
    assert done.returncode == 0, done.stderr


OLD = """
import base64, collections, inspect, time
import numpy as np
import tensorflow as tf
assert issubclass(list, collections.Iterable) and issubclass(dict, collections.Mapping) and time.clock() is not None
assert inspect.getargspec(lambda a, b=1, *c: 0) == (["a", "b"], "c", None, (1,))
raw = np.arange(3, dtype=np.int32).tostring()
assert raw == np.arange(3, dtype=np.int32).tobytes() and np.float32(1).tostring() == b"\\0\\0\\x80\\x3f"
assert np.fromstring(raw, np.int32).tolist() == [0, 1, 2] and np.fromstring("1 2", sep=" ").tolist() == [1, 2]
assert np.asscalar(np.array([3])) == 3 and base64.decodestring(base64.encodestring(b"x")) == b"x"
feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[raw]))
with tf.Session() as session:
    assert session.run(tf.decode_raw(feature.bytes_list.value[0], tf.int32)).tolist() == [0, 1, 2]
"""


def test_what_python_and_numpy_had(tmp_path):
    (tmp_path / "program.py").write_text(OLD)
    done = run(str(tmp_path / "program.py"))
    assert done.returncode == 0, done.stderr


def test_packages_that_are_kept(tmp_path):
    (tmp_path / "keras.py").write_text("import tensorflow as tf\nname = tf.__name__\n")
    (tmp_path / "program.py").write_text("import keras, tflearn\nprint(keras.name, tflearn.__name__)\n")
    assert run("--keep", "keras", str(tmp_path / "program.py")).stdout == "tenon tenon.tflearn\n"


NAMED_BEFORE_CALLED = """
import tensorflow as tf
gan = tf.contrib.gan
from tensorflow.contrib import quantize
print(hasattr(tf.contrib, "no_such_package"))
for call in (gan.gan_model, quantize.create_training_graph):
    try:
        call()
    except NotImplementedError as error:
        print(error)
"""


def test_missing_packages_of_contrib_fail_at_the_call(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(NAMED_BEFORE_CALLED)
    done = run(str(path), cwd=tmp_path)
    assert done.stdout.split("\n")[:3] == [
        "False", "tensorflow.contrib.gan.gan_model is not there in Tenon",
        "tensorflow.contrib.quantize.create_training_graph is not there in Tenon",
    ], done.stdout + done.stderr  # fmt: skip
