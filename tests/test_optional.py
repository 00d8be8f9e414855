"""Optional packages: where one is missing or broken, an error says what to install."""

import sys

import pytest

from sklearn_ml4fp._optional import EXTRA_OF, needs, where_installed


@pytest.mark.parametrize("package", EXTRA_OF)
def test_a_missing_package_names_its_extra(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ImportError, match=rf'^{package} is missing; .* pip install "sklearn-ml4fp\[{EXTRA_OF[package]}\]"$'
    ):
        needs(package)


def test_a_package_without_an_extra_names_itself(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^pandas is missing; install it .* pip install pandas\. Or use a list\.$"):
        needs("pandas", otherwise="Or use a list.")


def test_a_missing_part_names_the_whole(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"^matplotlib is missing"):
        needs("matplotlib.pyplot")


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Write a package that fails when it is imported."""

    def write(line: str) -> str:
        (tmp_path / "broken_package.py").write_text(line)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "broken_package", raising=False)
        return "broken_package"

    return write


def test_a_broken_package_says_what_it_lacks(broken):
    with pytest.raises(ImportError, match=r"^broken_package cannot be imported \(No module named 'no_such_part'\)"):
        needs(broken("import no_such_part"))


@pytest.mark.parametrize("line", ["import no_such_part", "raise OSError('undefined symbol')"])
def test_a_package_that_only_helps_may_be_missing_or_broken(line, broken):
    assert where_installed("no_such_package") is None
    assert where_installed(broken(line)) is None
    assert where_installed("math").pi > 3
