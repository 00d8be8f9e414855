"""What is set back between two examples of the gallery, which run in one process."""

import sklearn


def reset(gallery_conf, fname):
    """Set scikit-learn's configuration back, which an example may have changed for the whole process."""
    sklearn.set_config(enable_metadata_routing=False, transform_output="default")
