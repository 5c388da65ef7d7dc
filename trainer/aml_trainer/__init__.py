"""An image-classification trainer: arguments and environment in, files and an exit code out.

`python -m aml_trainer --help` says what it takes. Importing the package costs nothing; torch comes with `train`.
"""
