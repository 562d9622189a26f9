"""The names of files and collections of a SavedModel, of its tags and of its signatures."""

ASSETS_DIRECTORY = "assets"
ASSETS_KEY = "saved_model_assets"
DEBUG_DIRECTORY = "debug"
DEBUG_INFO_FILENAME_PB = "saved_model_debug_info.pb"
LEGACY_INIT_OP_KEY = "legacy_init_op"
MAIN_OP_KEY = "saved_model_main_op"
INIT_OP_SIGNATURE_KEY = "__saved_model_init_op"
SAVED_MODEL_FILENAME_PB = "saved_model.pb"
SAVED_MODEL_FILENAME_PBTXT = "saved_model.pbtxt"
SAVED_MODEL_SCHEMA_VERSION = 1
VARIABLES_DIRECTORY = "variables"
VARIABLES_FILENAME = "variables"

GPU, SERVING, TPU, TRAINING = "gpu", "serve", "tpu", "train"

DEFAULT_SERVING_SIGNATURE_DEF_KEY = "serving_default"
CLASSIFY_INPUTS = "inputs"
CLASSIFY_METHOD_NAME = "tensorflow/serving/classify"
CLASSIFY_OUTPUT_CLASSES = "classes"
CLASSIFY_OUTPUT_SCORES = "scores"
PREDICT_INPUTS = "inputs"
PREDICT_METHOD_NAME = "tensorflow/serving/predict"
PREDICT_OUTPUTS = "outputs"
REGRESS_INPUTS = "inputs"
REGRESS_METHOD_NAME = "tensorflow/serving/regress"
REGRESS_OUTPUTS = "outputs"

TF_EXPORTS = {
    "saved_model.ASSETS_DIRECTORY": "ASSETS_DIRECTORY",
    "saved_model.constants.ASSETS_DIRECTORY": "ASSETS_DIRECTORY",
    "saved_model.ASSETS_KEY": "ASSETS_KEY",
    "saved_model.constants.ASSETS_KEY": "ASSETS_KEY",
    "saved_model.DEBUG_DIRECTORY": "DEBUG_DIRECTORY",
    "saved_model.constants.DEBUG_DIRECTORY": "DEBUG_DIRECTORY",
    "saved_model.DEBUG_INFO_FILENAME_PB": "DEBUG_INFO_FILENAME_PB",
    "saved_model.constants.DEBUG_INFO_FILENAME_PB": "DEBUG_INFO_FILENAME_PB",
    "saved_model.LEGACY_INIT_OP_KEY": "LEGACY_INIT_OP_KEY",
    "saved_model.constants.LEGACY_INIT_OP_KEY": "LEGACY_INIT_OP_KEY",
    "saved_model.MAIN_OP_KEY": "MAIN_OP_KEY",
    "saved_model.constants.MAIN_OP_KEY": "MAIN_OP_KEY",
    "saved_model.SAVED_MODEL_FILENAME_PB": "SAVED_MODEL_FILENAME_PB",
    "saved_model.constants.SAVED_MODEL_FILENAME_PB": "SAVED_MODEL_FILENAME_PB",
    "saved_model.SAVED_MODEL_FILENAME_PBTXT": "SAVED_MODEL_FILENAME_PBTXT",
    "saved_model.constants.SAVED_MODEL_FILENAME_PBTXT": "SAVED_MODEL_FILENAME_PBTXT",
    "saved_model.SAVED_MODEL_SCHEMA_VERSION": "SAVED_MODEL_SCHEMA_VERSION",
    "saved_model.constants.SAVED_MODEL_SCHEMA_VERSION": "SAVED_MODEL_SCHEMA_VERSION",
    "saved_model.VARIABLES_DIRECTORY": "VARIABLES_DIRECTORY",
    "saved_model.constants.VARIABLES_DIRECTORY": "VARIABLES_DIRECTORY",
    "saved_model.VARIABLES_FILENAME": "VARIABLES_FILENAME",
    "saved_model.constants.VARIABLES_FILENAME": "VARIABLES_FILENAME",
    "saved_model.GPU": "GPU",
    "saved_model.tag_constants.GPU": "GPU",
    "saved_model.SERVING": "SERVING",
    "saved_model.tag_constants.SERVING": "SERVING",
    "saved_model.TPU": "TPU",
    "saved_model.tag_constants.TPU": "TPU",
    "saved_model.TRAINING": "TRAINING",
    "saved_model.tag_constants.TRAINING": "TRAINING",
    "saved_model.CLASSIFY_INPUTS": "CLASSIFY_INPUTS",
    "saved_model.signature_constants.CLASSIFY_INPUTS": "CLASSIFY_INPUTS",
    "saved_model.CLASSIFY_METHOD_NAME": "CLASSIFY_METHOD_NAME",
    "saved_model.signature_constants.CLASSIFY_METHOD_NAME": "CLASSIFY_METHOD_NAME",
    "saved_model.CLASSIFY_OUTPUT_CLASSES": "CLASSIFY_OUTPUT_CLASSES",
    "saved_model.signature_constants.CLASSIFY_OUTPUT_CLASSES": "CLASSIFY_OUTPUT_CLASSES",
    "saved_model.CLASSIFY_OUTPUT_SCORES": "CLASSIFY_OUTPUT_SCORES",
    "saved_model.signature_constants.CLASSIFY_OUTPUT_SCORES": "CLASSIFY_OUTPUT_SCORES",
    "saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY": "DEFAULT_SERVING_SIGNATURE_DEF_KEY",
    "saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY": "DEFAULT_SERVING_SIGNATURE_DEF_KEY",
    "saved_model.PREDICT_INPUTS": "PREDICT_INPUTS",
    "saved_model.signature_constants.PREDICT_INPUTS": "PREDICT_INPUTS",
    "saved_model.PREDICT_METHOD_NAME": "PREDICT_METHOD_NAME",
    "saved_model.signature_constants.PREDICT_METHOD_NAME": "PREDICT_METHOD_NAME",
    "saved_model.PREDICT_OUTPUTS": "PREDICT_OUTPUTS",
    "saved_model.signature_constants.PREDICT_OUTPUTS": "PREDICT_OUTPUTS",
    "saved_model.REGRESS_INPUTS": "REGRESS_INPUTS",
    "saved_model.signature_constants.REGRESS_INPUTS": "REGRESS_INPUTS",
    "saved_model.REGRESS_METHOD_NAME": "REGRESS_METHOD_NAME",
    "saved_model.signature_constants.REGRESS_METHOD_NAME": "REGRESS_METHOD_NAME",
    "saved_model.REGRESS_OUTPUTS": "REGRESS_OUTPUTS",
    "saved_model.signature_constants.REGRESS_OUTPUTS": "REGRESS_OUTPUTS",
}
