"""Filling of missing values: everything that scikit-learn asks of its own ``SimpleImputer``."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sklearn_ml4fp import MissingValueImputer

from .suite import Suite


class SimpleImputer(MissingValueImputer):
    """Ours with the parameters of scikit-learn's."""

    def __init__(
        self,
        *,
        missing_values: Any = np.nan,
        strategy: str = "mean",
        fill_value: Any = None,
        copy: bool = True,
        add_indicator: bool = False,
        keep_empty_features: bool = False,
    ) -> None:
        super().__init__(
            missing_values=missing_values, strategy=strategy, fill_value=fill_value, add_indicator=add_indicator
        )
        self.copy, self.keep_empty_features = copy, keep_empty_features

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit under the names of our parameters."""
        given = self.get_params()
        ours = {
            "strategy": "mode" if self.strategy == "most_frequent" else self.strategy,
            "fill_value": 0.0 if self.fill_value is None else self.fill_value,
            "missing_values": () if self.missing_values is np.nan else self.missing_values,
        }
        try:
            return self.set_params(**ours)._fit(X)
        finally:
            self.set_params(**given)

    def _fit(self, X: Any) -> Self:
        return super().fit(X)

    def transform(self, X: Any) -> Any:
        """Fill under the names of our parameters."""
        given = self.missing_values
        self.missing_values = () if given is np.nan else given
        try:
            return super().transform(X)
        finally:
            self.missing_values = given


def replace(names: dict[str, Any]) -> None:
    """Put our imputer in the place of scikit-learn's."""
    names.update(SimpleImputer=SimpleImputer)


_SPARSE = "sparse tables are refused, with the way to make them dense"
_TEXT = "tables of numbers alone: text is refused, by the name of the column"
_EMPTY = "a column without any value is an error, where scikit-learn drops it or keeps it on demand"
_MESSAGE = "refused as well, with another message"
BY_DESIGN = {
    **dict.fromkeys(
        (
            "test_imputation_shape",
            "test_imputation_error_sparse_0",
            "test_imputation_pipeline_grid_search",
            "test_imputation_copy",
            "test_simple_imputation_add_indicator_sparse_matrix",
            "test_imputation_custom",
            "test_imputation_constant_float[True-csr",
        ),
        _SPARSE,
    ),
    **dict.fromkeys(
        (
            "test_imputation_most_frequent_objects",
            "test_imputation_most_frequent_pandas",
            "test_imputation_constant_object",
            "test_imputation_constant_pandas",
            "test_missing_indicator_with_imputer",
            "test_simple_imputation_string_list",
            "test_simple_impute_pd_na",
            "test_imputer_lists_fit_transform",
        ),
        _TEXT,
    ),
    **dict.fromkeys(
        (
            "test_imputation_deletion_warning",
            "test_imputation_deletion_warning_feature_names",
            "test_imputation_mean_median",
            "test_imputation_most_frequent",
            "test_simple_imputer_keep_empty_features",
            "test_imputation_constant_integer",
            "test_imputation_constant_float[False",
        ),
        _EMPTY,
    ),
    **dict.fromkeys(
        (
            "test_imputation_mean_median_error_invalid_type",
            "test_imputation_mean_median_error_invalid_type_list_pandas",
            "test_imputation_const_mostf_error_invalid_types",
            "test_imputation_constant_error_invalid_type",
            "test_inconsistent_dtype_X_missing_values",
        ),
        _MESSAGE,
    ),
    "test_simple_imputer_constant_fill_value_casting": "integers become floats, which any number can fill",
    "test_imputation_median_special_cases": "the median is a value that occurs, the lower one of the two in the middle",
    "test_imputer_without_indicator": "indicators are numbers of columns (`indicated_`), not a transformer",
    "test_simple_imputation_inverse_transform": "there is no way back from indicators to missing values",
    "test_simple_imputation_inverse_transform_exceptions": "there is no way back from indicators to missing values",
}
SUITES = [Suite("`MissingValueImputer`", "impute/tests/test_impute.py", replace, by_design=BY_DESIGN)]
