__version__ = "2.2.4-tf"  # the API that this is
TF_EXPORTS = {"keras.__version__": "__version__"}
