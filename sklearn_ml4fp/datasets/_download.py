"""Downloads of published files: kept in a cache, checked by their hash, resumed after an interruption."""

from __future__ import annotations

import shutil
from math import ceil
from pathlib import Path
from typing import Any

from sklearn.datasets import get_data_home

from .._optional import needs
from .._progress import track

CHUNK = 1 << 20  # bytes asked for at a time
TIMEOUT = 30.0  # s without a byte, after which a connection counts as broken


class _Resume:
    """Downloader for pooch that keeps what has arrived in a ``.part`` file and continues from there."""

    def __init__(self, part: Path, verbose: bool | None) -> None:
        self.part = part
        self.verbose = verbose

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        requests = needs("requests")
        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"}  # unchanged bytes, to which the length and the hash belong
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == 416 or (have and response.status_code != 206):
                have = 0  # the server does not resume, or has no more bytes: start again
            if response.status_code == 416:
                self.part.unlink()
                return self(url, output_file, pooch)
            response.raise_for_status()
            length = int(response.headers.get("Content-Length", 0))
            chunks = track(
                response.iter_content(CHUNK),
                f"Downloading {self.part.stem}",
                total=ceil(length / CHUNK) or None,
                disable=None if self.verbose is None else not self.verbose,
            )
            with self.part.open("ab" if have else "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
        if length and self.part.stat().st_size < have + length:
            raise requests.ConnectionError(f"{self.part.stat().st_size} of {have + length} bytes arrived")
        shutil.move(self.part, output_file)
        return None


def download(url: str, known_hash: str, folder: str, data_home: str | Path | None, verbose: bool | None) -> Path:
    """Return the path of a published file in the cache, and download it if it is not there yet.

    Raises
    ------
    ImportError
        Without pooch, which the extra ``download`` installs.
    ConnectionError
        The file is not available; what has arrived is kept for the next try.
    ValueError
        The file that arrived is not the published one.
    """
    pooch, requests = needs("pooch"), needs("requests")
    cache = Path(get_data_home(None if data_home is None else str(data_home))) / "sklearn_ml4fp" / folder
    cache.mkdir(parents=True, exist_ok=True)
    name = url.rsplit("/", 1)[1]
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # the progress bar is enough
    try:
        path = pooch.retrieve(url, known_hash, name, cache, downloader=_Resume(cache / f"{name}.part", verbose))
    except requests.RequestException as error:
        raise ConnectionError(
            f"{name} could not be downloaded from {url}: {error}. Check the connection and call again, it goes on "
            f"where it stopped; or put the file into {cache} by hand."
        ) from error
    finally:
        logger.setLevel(level)
    return Path(path)
