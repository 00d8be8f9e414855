"""Suites of scikit-learn's tests that our classes take: one file a test file, each with its list ``SUITES``."""
