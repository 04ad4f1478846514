"""
Placeholder
===========
"""

import repdist

features, names = repdist.example_features()
repdist.mmd_test(features[4], features[9], rng=0).plot()
