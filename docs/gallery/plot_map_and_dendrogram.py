"""
A map and a tree of ten classes
===============================

Forty-five distances are hard to read as a list. A dendrogram shows which classes are closest, a map
shows all of them in the plane.
"""

import repdist

features, names = repdist.example_features()
result = repdist.pairwise_mmd_test(features, names, rng=0)

ax = result.dendrogram()
ax.figure.suptitle("Dendrogram of ten classes of digits in the features of a network")

# %%
# The tree joins the two closest classes first, then groups at their mean distance. The height of a
# joint is a distance, the root of MMD squared. The dashed line is the noise floor: two samples of
# *one* class would join below it.

ax = result.embed()
ax.margins(0.2)
ax.figure.suptitle("Map of ten classes of digits in the features of a network")

# %%
# The map places the classes so that their distances in the plane are close to the root of MMD
# squared. Ten classes do not fit into a plane: the title says what share of the squared distances
# is kept, so check a surprising neighbourhood in the table or in the tree. The bar at the lower
# left is as long as the noise floor.
#
# The neighbours, from the table itself:

distances = result.mmd_squared
for name in names:
    others = distances[name].drop(name)
    print(f"{name}: nearest is {others.idxmin()}, MMD^2 = {others.min():.3f}")
