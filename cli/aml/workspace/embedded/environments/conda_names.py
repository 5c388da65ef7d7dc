"""Which Python distribution a conda package is. Conda's names are its own: git is not the git of the package index.

Source: the packages of conda-forge and of the channels pytorch and nvidia that training environments list.
"""

from __future__ import annotations

import re
from typing import Literal

_RENAMED = {
    "dask-core": "dask",
    "faiss": "faiss-cpu",
    "keras-gpu": "keras",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ray-core": "ray",
    "ray-default": "ray",
    "redis-py": "redis",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
}
_SAME = frozenset(
    """
    absl-py accelerate adal adlfs aiohttp albumentations altair asttokens attrs beautifulsoup4 black bokeh boto3
    botocore bottleneck catboost category-encoders certifi cffi charset-normalizer click cloudpickle cmake coverage
    cryptography cycler cython dask datasets deepspeed dill distributed docker dowhy duckdb econml einops evaluate
    fairlearn faiss-cpu fastapi fastparquet fbprophet filelock flake8 flask fsspec gcsfs gensim geopandas gitpython
    google-auth grpcio gunicorn h5py hdbscan horovod html5lib huggingface-hub hydra-core hyperopt idna imageio
    imbalanced-learn importlib-metadata interpret interpret-core ipykernel ipython ipywidgets isort jinja2 jmespath
    joblib jsonschema jupyter jupyterlab keras kiwisolver librosa lightgbm lightning lime lxml mako markdown
    markupsafe matplotlib mlflow mlflow-skinny mpi4py msal mypy natsort nbconvert nbformat netcdf4 networkx ninja
    nltk notebook numba numexpr numpy omegaconf onnx onnxruntime openpyxl optuna packaging pandas papermill patsy
    peft pillow pip pip-tools plotly pmdarima polars pre-commit prophet protobuf psutil psycopg2 py4j pyarrow
    pybind11 pydantic pyjwt pylint pymongo pymysql pyodbc pyparsing pyspark pytest pytest-cov python-dateutil
    python-dotenv pytorch-lightning pytz pywavelets pyyaml pyzmq ray regex requests rich rouge-score s3fs sacrebleu
    safetensors scikit-image scikit-learn scipy seaborn sentence-transformers sentencepiece seqeval setuptools shap
    simplejson six skl2onnx sklearn-pandas soundfile spacy sqlalchemy statsmodels sympy tables tabulate tensorboard
    tensorboardx tensorflow tensorflow-cpu threadpoolctl timm tokenizers toml toolz torchaudio torchmetrics
    torchtext torchvision tornado tqdm traitlets transformers typer typing-extensions umap-learn urllib3 uvicorn
    virtualenv wandb wheel xarray xgboost xlrd xlsxwriter zarr
    """.split()
)
_SAME_PREFIXES = ("azure-", "azureml-", "opencensus-", "types-")
_NOT_PYTHON = frozenset(
    """
    binutils blas boost bzip2 c-ares ca-certificates clang compilers conda cpuonly cudatoolkit cudnn curl ffmpeg
    freetype gcc geos gfortran git git-lfs glib gmp gxx hdf5 icu intel-openmp jpeg krb5 lame lcms2 ld-impl-linux-64
    llvm llvm-openmp make mkl mkl-include mkl-service mpich msodbcsql17 nccl ncurses nettle nodejs nomkl openblas
    openh264 openjdk openmp openmpi openssl perl pkg-config pytorch-cuda pytorch-mutex readline ruby rust sqlite
    swig tini tk unixodbc unzip wget xz yaml zlib zstd
    """.split()
)
_NOT_PYTHON_PREFIXES = ("cuda-", "gcc-", "gxx-", "lib", "mkl-", "r-", "-", "sysroot-")

Kind = Literal["python", "other", "unknown"]


def distribution(name: str) -> tuple[Kind, str]:
    """The kind of a conda package and, if it is a Python one, the name of the distribution."""
    name = normalized(name)
    if name in _RENAMED:
        return "python", _RENAMED[name]
    if name in _SAME or name.startswith(_SAME_PREFIXES):
        return "python", name
    if name in _NOT_PYTHON or name.startswith(_NOT_PYTHON_PREFIXES):
        return "other", name
    return "unknown", name


def normalized(name: str) -> str:
    """A distribution's name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
