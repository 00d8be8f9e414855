"""Addresses and hashes of published data sets."""

from __future__ import annotations

# Zenodo records 3164691 (Pythia 8.226) and 3066475 (Herwig 7.1.4), without charm and bottom jets; SHA-256 as published
# in the EnergyFlow package (qg_jets.json). 100 000 jets per file.
QUARK_GLUON = {
    "pythia": {
        "QG_jets.npz": "3f27a02eab06e8b83ccc9d25638021e6e24c9361341730961f9d560dee12c257",
        "QG_jets_1.npz": "648e49cd59b5353e0064e7b1a3388d9c2f4a454d3ca67afaa8d0344c836ecb35",
        "QG_jets_2.npz": "09f7b16fa7edb312c0f652bb8504de45f082c4193df65204d693155017272fe9",
        "QG_jets_3.npz": "7dc9a50bb38e9f6fc1f11db18f9bd04f72823c944851746b848dee0bba808537",
        "QG_jets_4.npz": "3e6217aad8e0502f5ce3b6371c61396dfc48a6cf4f26ee377cc7b991b1d2b543",
        "QG_jets_5.npz": "b5b7d742b2599bcbe1d7a639895bca64c28da513dc3620b0e5bbb5801f8c88fd",
        "QG_jets_6.npz": "7d31bc48c15983401e0dbe8fd5ee938c3809d9ee3c909f4adab6daf8b73c14f1",
        "QG_jets_7.npz": "cec0d7b2afa9d955543c597f9b7f3b3767812a68b2401ec870caf3a2ceb98401",
        "QG_jets_8.npz": "e984620f57abe06fc5d0b063f9f84ba54bd3e8c295d2b2419a7b1c6175079ed4",
        "QG_jets_9.npz": "6e3b69196995d6eb3b8e7af874e2b9f93d904624f7a7a73b8ff39f151e3bd189",
        "QG_jets_10.npz": "fa3d386f230b806058ff17e5bd77326ff4bf01d72aa5eb3325c1df2a8825927c",
        "QG_jets_11.npz": "acd49ab7bea8f72ecf699a9a898bccacc8730474259d68406656a5a43d407fb0",
        "QG_jets_12.npz": "2edd55b8bc30c686a0637855e1ba068586eb97041e8114d5540d96db2a7a2e17",
        "QG_jets_13.npz": "7276a8a0e573f9795a47f9d5addc10d2af903c2a0ffa5c848a720ccae93daa90",
        "QG_jets_14.npz": "2068ecfa912e94cd3ce7273b7c77af0bbd5ec57940997e7483b56f03434a6869",
        "QG_jets_15.npz": "41a732ce6321dd593214225b03fb87329607ccae768c705e3896ffecc28bfcca",
        "QG_jets_16.npz": "9d68caeb18f3ccf127b9032f52e63ee011c4381293a3a503f894e5c0741ae215",
        "QG_jets_17.npz": "086053ca611bb04d97fa0b6509b4ffb6955421b067c7b277498f0e5188879331",
        "QG_jets_18.npz": "cdc595f5fedef7db9411a9f93f2786f110073b4d17a523700f625846588b1e44",
        "QG_jets_19.npz": "d07781139320ae134ce4824bc0cefa43fd5003cd97cdf3aed90d4fb12fad8a1d",
    },
    "herwig": {
        "QG_jets_herwig_0.npz": "0527349778c0ab2f7da268975fb9e7c0705c88d60f2c478401d941b9913f4d44",
        "QG_jets_herwig_1.npz": "65ef3b4cced4e2618c2bf8f3c66ef707dbd7a9740825f93549732d64e60d7ea8",
        "QG_jets_herwig_2.npz": "f13dab1937e40d0c05b97e9813fb4dda5156a8f6b4e41a89cc13821d02a60f58",
        "QG_jets_herwig_3.npz": "7b55e26262f2c156b15014b796d0a7e7a5254a982170f45cf2d9857b1f23b5f7",
        "QG_jets_herwig_4.npz": "3a5006da4a05192636a74fc818256fce215970c626719738cae9f82e3f068646",
        "QG_jets_herwig_5.npz": "2601564aee41aa5851392d6b3d12021f978fa17199e42dde004e35d1175055ea",
        "QG_jets_herwig_6.npz": "2c1fc34e99816a0bb5a84f68fa42f6314252521f6b32384a118cdec872ea97a1",
        "QG_jets_herwig_7.npz": "4b05f17acb046ad50232987003b89a91800cc713eefd81142ffeb42259369fb2",
        "QG_jets_herwig_8.npz": "150cbe132a2ee3178ba3a93a6b1733b3498b728db91f572295b6213d287ec1f7",
        "QG_jets_herwig_9.npz": "7d74c90843c751ade4cac47f6c2505da8bcbaf8645bc3f9870bdca481ff805fd",
        "QG_jets_herwig_10.npz": "e2b9072da8436618c602fbcf2409fe9be9a46dea7cff1fcc36f1ba8fefa6842d",
        "QG_jets_herwig_11.npz": "c69f499b7ea09029da7e78dcc527feca6b1680685e3c9a481db292d5518e3f1c",
        "QG_jets_herwig_12.npz": "db25d85d3a35978c607f9b5b0b52f4140c984eb5a5ab236cbf3e6eb34ead761c",
        "QG_jets_herwig_13.npz": "9a51ddd383e32154fc504ddcb138e54f0f1bd35079fe5cfa9139839c229cd78e",
        "QG_jets_herwig_14.npz": "be0fa462ea907d36972c8573b9a2f6bcdf5cf66648fa397739d12ecb677948e5",
        "QG_jets_herwig_15.npz": "7b17400c6867243e8137bd97e0f9743682a5d8c772685a6654f42f1fa2731960",
        "QG_jets_herwig_16.npz": "4c484f6508180c0e4e4a5c90b37d1b15cc67afaa3c5998306e8e633848ce6dfc",
        "QG_jets_herwig_17.npz": "d1f9baf3a3a148080d1735130f6b18f0f598991a8d886eff3c427b2e2265fce1",
        "QG_jets_herwig_18.npz": "bb70219d78e1d92091efacbf933da632670c8318d00777e4144d9a0c782e5749",
        "QG_jets_herwig_19.npz": "94975b3d999868485780d2d9e4330273aa8f0db4b9a7f6094d360f637659a264",
    },
}

# Zenodo record 2603256; MD5 as Zenodo gives them.
TOP_TAGGING = {
    "train.h5": "md5:45663819f47c13724f67eb0fd80bfa5c",
    "val.h5": "md5:dca4b7248027618f041f9baa86d360fc",
    "test.h5": "md5:13163479dee30a5fe546e4536cc3d04d",
}

# UCI Machine Learning Repository, data set 280; SHA-256.
HIGGS = {"HIGGS.csv.gz": "ea302c18164d4e3d916a1e2e83a9a8d07069fa6ebc7771e4c0540d54e593b698"}

# Addresses of the files: one folder per data set.
FOLDERS = {
    "pythia": "https://zenodo.org/records/3164691/files",
    "herwig": "https://zenodo.org/records/3066475/files",
    "top_tagging": "https://zenodo.org/records/2603256/files",
    "higgs": "https://archive.ics.uci.edu/ml/machine-learning-databases/00280",
}
