#!/usr/bin/env bash
# All that is to be measured on a machine with a GPU, by one command; it takes at most --minutes (8), and no network.
#
#   benchmarks/gpu_check.sh [WHEELS] [options of gpu_check.py, such as --json FILE or --minutes 8]
#
# PYTHON (python3) has a torch for the GPU, 2.11 to 2.13. What else is missing is installed from the folder WHEELS into
# an environment on top of it. To fill that folder, where there is a network:
#
#   pip download --dest WHEELS --constraint constraints.txt scikit-learn skorch imbalanced-learn scikit-optimize \
#       pytest pytest-timeout hypothesis nvidia-ml-py pyarrow
set -euo pipefail
cd "$(dirname "$0")/.."
wheels=
if [[ $# -gt 0 && $1 != -* ]]; then wheels=$1; shift; fi
python=${PYTHON:-python3}

missing=$("$python" - <<'EOF'
from importlib.util import find_spec

NAMES = {
    "sklearn": "scikit-learn", "skorch": "skorch", "imblearn": "imbalanced-learn", "skopt": "scikit-optimize",
    "pytest": "pytest", "pytest_timeout": "pytest-timeout", "hypothesis": "hypothesis", "pynvml": "nvidia-ml-py",
    "pyarrow": "pyarrow",
}
print(*(package for module, package in NAMES.items() if find_spec(module) is None))
EOF
)
if [[ -n $missing ]]; then
    if [[ -z $wheels ]]; then echo "Missing: $missing. Give a folder with their wheels; see the head of $0." >&2; exit 2; fi
    "$python" -m venv --system-site-packages .venv-gpu
    python=.venv-gpu/bin/python
    # shellcheck disable=SC2086  # several names
    "$python" -m pip install --quiet --no-index --find-links "$wheels" $missing
fi
PYTHONPATH=$PWD exec "$python" -W ignore benchmarks/gpu_check.py "$@"
