"""MMD as a module: the numbers of `mmd_squared`, and a buffer that a loop can check."""

import copy
import io
import pickle
import subprocess
import sys

import numpy as np
import pytest
from oracles import FORMULAS

import repdist
from repdist import kernels

torch = pytest.importorskip("torch")

from repdist.torch import MMDLoss  # noqa: E402 (needs torch)

ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
RULES = {
    "batch": {},
    "buffer": {"buffer_size": 12},
    "fixed": {"kernel": kernels.MultiRBF((0.5, 1.0, 2.0))},
}
EVERY_RULE = pytest.mark.parametrize("rule", RULES)


def batch(seed=0, n=5, m=7, d=3, dtype=torch.float64):
    """Two samples whose spread is that of no other seed, so that bandwidths differ."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)) * (1 + seed), rng.normal(size=(m, d)) + 0.5
    return torch.as_tensor(X, dtype=dtype), torch.as_tensor(Y, dtype=dtype)


def after_training(loss, steps=4):
    for step in range(steps):
        loss(*batch(step))
    return loss


def seen(steps, size):
    """The rows of so many batches that a buffer of this size still has, of either side."""
    x, y = [], []
    for step in range(steps):
        X, Y = batch(step)
        x += list(X)
        y += list(Y)
    return torch.stack(x[-size:]), torch.stack(y[-size:])


def same(value, expected):
    assert torch.equal(value, expected), (value, expected)


# --- values --------------------------------------------------------------------------------------


@ESTIMATORS
def test_a_batch_is_its_own_ruler(estimator):
    loss = MMDLoss(estimator=estimator)
    for step in range(3):
        X, Y = batch(step)
        same(loss(X, Y), repdist.mmd_squared(X, Y, estimator=estimator))
    assert loss.past_x is None


@ESTIMATORS
def test_a_fitted_kernel_stays(estimator):
    kernel = kernels.MultiRBF().fit(torch.cat(batch(9)))
    loss = MMDLoss(kernel=kernel, estimator=estimator)
    for step in range(3):
        X, Y = batch(step)
        same(loss(X, Y), repdist.mmd_squared(X, Y, kernel=kernel, estimator=estimator))
    assert loss.kernel is kernel


@pytest.mark.parametrize("size", [1, 4, 12, 1000])
@pytest.mark.parametrize("rule", [kernels.MultiRBF(), kernels.RBF(), kernels.Laplacian()])
def test_bandwidths_of_the_buffer(size, rule):
    loss = MMDLoss(kernel=rule, buffer_size=size)
    for step in range(4):
        X, Y = batch(step)
        x, y = seen(step + 1, size)
        expected = repdist.mmd_squared(X, Y, kernel=rule.fit(torch.cat([x, y])))
        same(loss(X, Y), expected)
        same(loss.past_x, x)
        same(loss.past_y, y)


def test_the_ruler_of_a_buffer_is_another_than_that_of_a_batch():
    X, Y = batch(3)
    assert after_training(MMDLoss(buffer_size=100), 3)(X, Y) != MMDLoss()(X, Y)


def test_a_buffer_has_no_rows_but_its_own_in_memory():
    loss = after_training(MMDLoss(buffer_size=4))
    for rows in (loss.past_x, loss.past_y):
        assert rows.untyped_storage().nbytes() == rows.numel() * rows.element_size()


def test_a_buffer_does_not_change_with_the_tensors_it_saw():
    X, Y = batch()
    loss = MMDLoss(buffer_size=100)
    loss(X, Y)
    X += 1
    same(loss.past_x, batch()[0])


def test_one_column_may_be_flat():
    X, Y = batch(d=1)
    loss = MMDLoss(buffer_size=100)
    same(loss(X[:, 0], Y[:, 0]), MMDLoss()(X, Y))
    assert loss.past_x.shape == (5, 1)


# --- eval ----------------------------------------------------------------------------------------


def test_validation_has_the_ruler_of_the_last_step_and_leaves_it():
    loss = after_training(MMDLoss(buffer_size=12)).eval()
    kernel = kernels.MultiRBF().fit(torch.cat(seen(4, 12)))
    for step in (7, 8):
        X, Y = batch(step)
        same(loss(X, Y), repdist.mmd_squared(X, Y, kernel=kernel))
    same(loss.past_x, seen(4, 12)[0])


def test_validation_before_any_step_is_its_own_ruler():
    loss = MMDLoss(buffer_size=12).eval()
    same(loss(*batch()), MMDLoss()(*batch()))
    assert loss.past_x is None


# --- gradients -----------------------------------------------------------------------------------


@EVERY_RULE
@ESTIMATORS
def test_gradients_are_right(rule, estimator):
    loss = MMDLoss(estimator=estimator, **RULES[rule])
    after_training(loss)
    if loss.buffer_size:
        loss.eval()  # or each look of gradcheck would move the ruler
    else:
        loss = MMDLoss(estimator=estimator, kernel=kernels.MultiRBF().fit(torch.cat(batch())))
    X, Y = (Z.requires_grad_() for Z in batch(1))
    assert torch.autograd.gradcheck(loss, (X, Y))


@EVERY_RULE
@pytest.mark.parametrize("sides", [(True, True), (True, False), (False, True)])
def test_gradients_are_those_of_the_function(rule, sides):
    loss = after_training(MMDLoss(**RULES[rule]))
    X, Y = (Z.requires_grad_(side) for Z, side in zip(batch(4), sides, strict=True))
    loss(X, Y).backward()
    kernel = loss.kernel
    if loss.buffer_size:
        kernel = kernel.fit(torch.cat(seen(5, 12)))
    expected = torch.autograd.grad(
        repdist.mmd_squared(X, Y, kernel=kernel), [Z for Z in (X, Y) if Z.requires_grad]
    )
    for Z, gradient in zip([Z for Z in (X, Y) if Z.requires_grad], expected, strict=True):
        same(Z.grad, gradient)
    assert not any(Z.requires_grad for Z in (loss.past_x, loss.past_y) if Z is not None)


def test_without_a_gradient_it_is_a_number():
    loss = MMDLoss(buffer_size=12)
    with torch.no_grad():
        value = loss(*(Z.requires_grad_() for Z in batch()))
    assert value.shape == ()
    assert not value.requires_grad
    assert value.item() == pytest.approx(repdist.mmd_squared(*batch()).item(), rel=1e-12)


def test_second_derivatives():
    X, Y = (Z.requires_grad_() for Z in batch())
    (gradient,) = torch.autograd.grad(MMDLoss(buffer_size=9)(X, Y), X, create_graph=True)
    (second,) = torch.autograd.grad((gradient**2).sum(), X)
    assert torch.isfinite(second).all()
    assert second.any()


def test_two_losses_of_two_layers_share_nothing():
    first, second = MMDLoss(buffer_size=12), MMDLoss(buffer_size=12)
    first(*batch())
    assert second.past_x is None


# --- state ---------------------------------------------------------------------------------------


def to_file_and_back(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_a_training_resumes_to_the_bit():
    network = torch.nn.Sequential(torch.nn.Linear(3, 3), MMDLoss(buffer_size=12))
    after_training(network[1])
    other = torch.nn.Sequential(torch.nn.Linear(3, 3), MMDLoss(buffer_size=12))
    other.load_state_dict(to_file_and_back(network.state_dict()))
    for step in (4, 5):
        same(other[1](*batch(step)), network[1](*batch(step)))
    same(other[1].past_y, network[1].past_y)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
@EVERY_RULE
def test_copies_go_on_by_themselves(again, rule):
    loss = after_training(MMDLoss(estimator="biased", **RULES[rule]))
    other = again(loss)
    same(other(*batch(4)), loss(*batch(4)))
    other(*batch(5))
    assert loss.buffer_size == 0 or not torch.equal(other.past_x, loss.past_x)
    assert type(loss).__module__ == "repdist.torch"


def test_an_empty_state_and_one_of_another_size():
    loss = after_training(MMDLoss(buffer_size=12))
    smaller = MMDLoss(buffer_size=4)
    smaller.load_state_dict(loss.state_dict())
    same(smaller.past_x, loss.past_x[-4:])
    without = MMDLoss()
    without.load_state_dict(loss.state_dict())
    assert without.past_x is None
    same(without(*batch(6)), MMDLoss()(*batch(6)))
    loss.load_state_dict(MMDLoss(buffer_size=12).state_dict())
    assert loss.past_x is loss.past_y is None


@pytest.mark.parametrize("state", [None, torch.zeros(3), {"past_x": None}])
def test_a_foreign_state_is_refused(state):
    loss = after_training(MMDLoss(buffer_size=12))
    with pytest.raises(ValueError, match="`state` must hold the `past_x` and `past_y`"):
        loss.set_extra_state(state)
    same(loss.past_x, seen(4, 12)[0])


def test_a_loss_has_no_parameters_and_says_what_it_is():
    loss = MMDLoss(buffer_size=12, kernel=kernels.RBF())
    assert not list(loss.parameters())
    assert not list(loss.buffers())
    for part in ("MMDLoss(", "RBF(bandwidth='median')", "'unbiased'", "buffer_size=12"):
        assert part in str(loss)


# --- precision -----------------------------------------------------------------------------------


@EVERY_RULE
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_as_float32(rule, half):
    X, Y = (Z.to(half).requires_grad_() for Z in batch())
    loss = MMDLoss(**RULES[rule]).to(half)
    value = loss(X, Y)
    same(value, MMDLoss(**RULES[rule])(X.float(), Y.float()))
    value.backward()
    assert value.dtype == torch.float32
    assert X.grad.dtype == half
    if loss.buffer_size:
        assert loss.past_x.dtype == torch.float32
        past = loss.past_x
        same(loss.half().past_x, past)


@EVERY_RULE
def test_autocast_does_not_lower_the_precision(rule):
    X, Y = batch(dtype=torch.float32)
    X.requires_grad_()
    expected = MMDLoss(**RULES[rule])(X, Y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        same(MMDLoss(**RULES[rule])(X, Y), expected)


def test_a_buffer_takes_the_precision_of_the_features():
    loss = MMDLoss(buffer_size=100)
    loss(*batch(dtype=torch.float32))
    value = loss(*batch(1))
    assert value.dtype == loss.past_x.dtype == torch.float64
    assert len(loss.past_x) == 10
    value = loss(*batch(2, dtype=torch.float32))
    assert value.dtype == loss.past_x.dtype == torch.float32


# --- compilers and transforms --------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # dynamo's, at any break
@EVERY_RULE
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_training_step_is_the_same(rule, backend):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 3, dtype=torch.float64)
    answers = []
    for compile_ in (lambda f: f, lambda f: torch.compile(f, backend=backend)):
        torch.compiler.reset()
        loss = MMDLoss(**RULES[rule])

        def step(X, Y, loss=loss):
            return 2 * loss(network(X), Y)

        run, values = compile_(step), []
        for number in range(2):
            value = run(*batch(number))
            values += [value, *torch.autograd.grad(value, network.parameters())]
        answers.append(values)
    for ours, theirs in zip(*answers, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-15)


def test_a_compiled_loss_is_the_same():
    torch.compiler.reset()
    loss = MMDLoss(buffer_size=12)
    same(torch.compile(loss, backend="eager")(*batch()), MMDLoss()(*batch()))
    assert len(loss.past_x) == 5


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # inside of torch.func.jvp
@pytest.mark.parametrize("transform", ["grad", "vmap", "jvp"])
def test_transforms_are_refused_in_words(transform):
    X, Y = batch()
    loss = MMDLoss(buffer_size=12)
    calls = {
        "grad": lambda: torch.func.grad(loss)(X, Y),
        "vmap": lambda: torch.func.vmap(loss)(X[None], Y[None]),
        "jvp": lambda: torch.func.jvp(loss, (X, Y), (X, Y)),
    }
    with pytest.raises(TypeError, match=r"`X` must be .* transform of `torch\.func`.* Use "):
        calls[transform]()
    with pytest.raises(TypeError, match=r"`Y` must be .*inside a transform"):
        torch.func.grad(lambda Y: loss(X, Y))(Y)
    assert loss.past_x is None


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kernel": kernels.RBF}, TypeError, "`kernel` must be a kernel object; got the class"),
        ({"kernel": 2.0}, TypeError, "`kernel` must be a kernel object"),
        ({"estimator": "best"}, ValueError, "`estimator` must be one of"),
        ({"buffer_size": -1}, ValueError, "`buffer_size` must be at least 0; got -1"),
        ({"buffer_size": 2.5}, TypeError, "`buffer_size` must be a whole number"),
        ({"buffer_size": True}, TypeError, "`buffer_size` must be a whole number"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        MMDLoss(**options)


def test_options_are_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        MMDLoss(kernels.RBF())


def with_nan(Z):
    Z[1, 1] = torch.nan
    return Z


BAD = {
    "nan": (lambda X, Y: (with_nan(X), Y), ValueError, "`X` must hold finite .* nan in row 1"),
    "nan in Y": (lambda X, Y: (X, with_nan(Y)), ValueError, "`Y` must hold finite"),
    "columns": (lambda X, Y: (X, Y[:, :2]), ValueError, "`X` and `Y` must have the same number of"),
    "one row": (lambda X, Y: (X[:1], Y), ValueError, "`X` must have at least 2 rows; got 1"),
    "no row": (lambda X, Y: (X, Y[:0]), ValueError, "`Y` must have at least"),
    "images": (lambda X, Y: (X[None], Y), ValueError, "`X` must have shape .rows, columns."),
    "array": (lambda X, Y: (X.numpy(), Y), TypeError, "`X` must be a torch tensor; got an object"),
    "list": (lambda X, Y: (X, [[1.0]]), TypeError, r"`Y` must be a torch tensor; got \[\[1.0\]\]"),
    "sparse": (lambda X, Y: (X.to_sparse(), Y), TypeError, "`X` must be a dense tensor"),
    "meta": (lambda X, Y: (X, Y.to("meta")), ValueError, "`X` and `Y` must be on one device"),
    "constant": (lambda X, Y: (0 * X, 0 * Y), ValueError, "must not be constant"),
}


@EVERY_RULE
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_batch_is_refused_and_leaves_no_trace(rule, bad):
    make, error, message = BAD[bad]
    loss = after_training(MMDLoss(**RULES[rule]))
    before = loss.past_x
    with pytest.raises(error, match=message):
        loss(*make(*batch()))
    assert loss.past_x is before


def test_another_layer_is_refused():
    loss = after_training(MMDLoss(buffer_size=12))
    for mode in (True, False):
        with pytest.raises(ValueError, match=r"`X` must have as many columns .* got 2 after 3"):
            loss.train(mode)(*batch(d=2))


class Cosine(kernels.Kernel):
    """A kernel of one's own that no rows change."""

    shift_invariant = False

    def evaluate(self, X, Y):
        return X @ Y.T


class AtTimes(Cosine):
    """One whose `fit` changes nothing, which only rows can tell."""

    def fit(self, Z):
        return self


NO_RULE = "`buffer_size` must be 0 for a kernel without a rule for bandwidths; got "


@pytest.mark.parametrize(
    "kernel",
    [
        kernels.RBF(1.0),
        kernels.MultiRBF((1.0, 2.0)),
        kernels.MultiRBF().fit(np.arange(8.0)[:, None]),
        kernels.RationalQuadratic(2.0),
        kernels.Energy(),
        kernels.Linear(),
        kernels.Precomputed(np.eye(4)),
        Cosine(),
    ],
)
def test_a_buffer_that_nothing_needs_is_refused_at_once(kernel):
    with pytest.raises(ValueError, match=NO_RULE):
        MMDLoss(kernel=kernel, buffer_size=12)
    MMDLoss(kernel=kernel)


def test_a_rule_of_ones_own_that_does_nothing_is_refused_with_the_first_rows():
    loss = MMDLoss(kernel=AtTimes(), buffer_size=12)
    with pytest.raises(ValueError, match=NO_RULE):
        loss(*batch())


WITH_RULES = [
    kernels.RBF(), kernels.Laplacian(), kernels.Matern(), kernels.RationalQuadratic(),
    kernels.MultiRBF(), kernels.MultiRBF.like_mmd_rbf(),
]  # fmt: skip


@pytest.mark.parametrize("kernel", WITH_RULES, ids=str)
def test_every_kernel_with_a_rule_takes_a_buffer(kernel):
    assert torch.isfinite(MMDLoss(kernel=kernel, buffer_size=12)(*batch()))


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_every_kernel(name):
    kernel, _ = FORMULAS[name]
    X, Y = (Z.requires_grad_() for Z in batch())
    same(MMDLoss(kernel=kernel)(X, Y), repdist.mmd_squared(X, Y, kernel=kernel))


# --- the import ----------------------------------------------------------------------------------


def test_without_torch_the_message_says_how_to_install_it():
    code = "import sys; sys.modules['torch'] = None; import repdist; import repdist.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "repdist[torch]"' in done.stderr.splitlines()[-1]
