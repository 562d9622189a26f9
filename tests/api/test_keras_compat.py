"""Programs that say `import keras` or `import tflearn` run."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import keras
import numpy as np
import tflearn
from keras.layers import Conv2D, Dense, Flatten
from keras.layers.core import Dropout
from keras.models import Sequential
from keras.utils import np_utils
from tensorflow.keras import backend as K

model = Sequential([Conv2D(2, 3, input_shape=(6, 6, 1)), Flatten(), Dropout(0.5), Dense(3, activation="softmax")])
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
y = np_utils.to_categorical([0, 1, 2, 0])
history = model.fit(np.zeros((4, 6, 6, 1)), y, verbose=0)
print(sorted(history.history), K.floatx(), tflearn.DNN.__name__)
"""


def test_old_imports(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    package = Path(__file__).resolve().parents[2] / "python"
    command = [sys.executable, "-m", "tenon.compat", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(package)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['acc', 'loss'] float32 DNN"
