"""The private names of joblib's Dask backend that this package uses.

Importing them loads Dask where it is installed.
"""

from __future__ import annotations

from joblib._dask import DaskDistributedBackend
from joblib._dask import _WeakKeyDictionary as WeakKeyDictionary

__all__ = ["DaskDistributedBackend", "WeakKeyDictionary"]
