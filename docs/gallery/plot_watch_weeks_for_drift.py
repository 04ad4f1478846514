"""
Watch features for drift, week after week
=========================================

A network names handwritten digits, and was validated. From then on every week brings 128 new
images. Have the features that it makes of them changed? An alarm shall mean something: while
nothing changes, there shall be one in a hundred weeks on average.
"""

import tempfile
from pathlib import Path

import numpy as np

import repdist

features, names = repdist.example_features()  # 10 digits x 300 images x 64 features
rng = np.random.default_rng(0)
images = rng.permutation(features.reshape(-1, 64))
validated, later = images[:1200], images[1200:]

# %%
# No image comes twice: 1,200 for validation, and the others in weeks. From week 8 on something
# happens that no log file tells: dust on the lens takes 2 % more of all features every week.


def week(number):
    """Return the features of a week."""
    rows = later[128 * (number - 1) : 128 * number]
    return rows * (1 - 0.02 * max(0, number - 7))


# %%
# On the day of validation
# ------------------------
#
# A :class:`~repdist.Reference` is fitted once: the kernel, landmarks to look at it through, and
# sums over bins of rows. A batch must fill eight bins, so that a week of 128 images asks for bins
# of 16. The file can be sent to the machine where the network runs. It holds no copy of the rows
# but of those that are landmarks.

folder = Path(tempfile.mkdtemp())
reference = repdist.Reference(validated, name="validated", rows_per_bin=16, rng=0)
reference.save(folder / "reference.npz")
print(reference)

# %%
# Every week
# ----------
#
# These lines run once a week, as a process of their own. ``Monitor.opened`` loads the state that
# the week before has left, or begins one; it keeps a second process out, and saves at the end.


def weekly_job(number):
    """Look at the week, and say what was found."""
    reference = repdist.Reference.load(folder / "reference.npz")
    state = folder / "monitor.npz"
    with repdist.Monitor.opened(state, reference, alarm_every=100, rng=0) as monitor:
        step = monitor.update(week(number), label=number)
    print(
        f"week {step.label:>2}: MMD^2 {step.mmd_squared:+.4f}, p {step.pvalue:.4f}, "
        f"evidence {step.evidence:6.1f}{'   ALARM' if step.alarm else ''}"
    )


for number in range(1, 15):
    weekly_job(number)

# %%
# The picture of the monitor has both questions. Above: how far is each week from the *reference*?
# Below: has anything changed *at all*? There each week is compared with the reference and all weeks
# before it, so that the p-values of quiet weeks are independent (:doc:`/explanation/drift`), and
# what they tell adds up.

monitor = repdist.Monitor.load(folder / "monitor.npz")
monitor.plot()

# %%
# Two weeks of a loss of 2 and 4 % pass unseen, and in the third the alarm comes. The evidence of
# the quiet weeks says nothing: it goes up and down, and begins anew after an alarm.
#
# The alarm says *that* something has changed. How far it has gone stands above, with an interval;
# two weeks are told apart only if they lie well apart.
#
# After the alarm
# ---------------
#
# Somebody looks, and notes that they have. The weeks stay where they are: to take the suspicious
# ones out of the pool would make later p-values depend on earlier ones.

monitor.accept(10)
print(monitor.headline)

# %%
# Looking back, which weeks differ from the day of validation? That is another question, and
# :func:`repdist.compare_to_reference` answers it: all weeks at once, corrected for their number. It
# takes the same reference, whose kernel is the ruler.

weeks = {number: week(number) for number in range(1, 15)}
result = repdist.compare_to_reference(reference, weeks, rng=0)
print(result.to_frame()[["mmd_squared", "pvalue", "pvalue_adjusted"]].round(4))

# %%
# The lens is cleaned, or the network is trained anew: ``monitor.restart(reference)`` begins with a
# reference of the new state, and no evidence. :doc:`/howto/monitor` has the weekly job as a shell
# script, and sketches that are made on several machines.
