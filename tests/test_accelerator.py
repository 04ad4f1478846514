"""The same answers on a GPU as on the processor; skipped on a machine that has none."""

import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist._pass import geometry, gradient

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("needs a CUDA device", allow_module_level=True)

KERNELS = {
    "default": kernels.MultiRBF(),
    "median RBF": kernels.RBF(),
    "around the median": kernels.MultiRBF("median"),
    "five": kernels.MultiRBF(size=5),
    "Laplacian": kernels.Laplacian(),
    "energy": kernels.Energy(),
    "polynomial": kernels.Polynomial(),
    "linear": kernels.Linear(),
}


def samples(n=300, m=200, d=8, dtype=np.float64, shift=0.15):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)).astype(dtype), rng.normal(shift, size=(m, d)).astype(dtype)


def on_gpu(*arrays):
    return [torch.as_tensor(array, device="cuda") for array in arrays]


def assert_same_result(ours, theirs, rtol):
    assert ours.pvalue == theirs.pvalue
    assert ours.cautions == theirs.cautions
    for name in ("mmd_squared", "standard_error", "statistic"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=rtol), name
    left, right = ours.components, theirs.components
    assert list(left.columns) == list(right.columns)
    for column in left.select_dtypes("number"):
        np.testing.assert_allclose(left[column], right[column], rtol=rtol, err_msg=column)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_float64_gives_the_same_test(name, combine):
    X, Y = samples()
    options = {"combine": combine, "n_resamples": 999, "rng": 1, "kernel": KERNELS[name]}
    assert_same_result(
        repdist.mmd_test(*on_gpu(X, Y), **options), repdist.mmd_test(X, Y, **options), 1e-7
    )


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize(("n", "m"), [(4, 4), (5, 7), (20, 400), (1000, 1000)])
def test_sizes_and_estimators(n, m, estimator):
    X, Y = samples(n, m)
    options = {"estimator": estimator, "n_resamples": 499, "rng": 1}
    assert_same_result(
        repdist.mmd_test(*on_gpu(X, Y), **options), repdist.mmd_test(X, Y, **options), 1e-7
    )


@pytest.mark.parametrize("d", [2, 64, 600])
def test_float32_gives_nearly_the_same_test(d):
    X, Y = samples(1500, 1500, d, np.float32, shift=0.02)
    ours, theirs = repdist.mmd_test(*on_gpu(X, Y), rng=0), repdist.mmd_test(X, Y, rng=0)
    assert abs(ours.pvalue - theirs.pvalue) <= 5e-4
    assert ours.mmd_squared == pytest.approx(theirs.mmd_squared, abs=1e-3 * theirs.standard_error)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_tiles_give_the_same_test(monkeypatch, dtype):
    X, Y = samples(3000, 2000, dtype=dtype, shift=0.02)
    few = repdist.mmd_test(*on_gpu(X, Y), rng=0)
    monkeypatch.setattr(geometry, "_DEVICE_EDGE", 256)
    many = repdist.mmd_test(*on_gpu(X, Y), rng=0)
    assert abs(few.pvalue - many.pvalue) <= (2e-4 if dtype == "float32" else 0)
    rounding = {"float32": 1e-3, "float64": 1e-9}[dtype]
    assert few.mmd_squared == pytest.approx(many.mmd_squared, abs=rounding * few.standard_error)


def test_results_repeat_to_the_bit():
    X, Y = on_gpu(*samples(9000, 5000, 64, np.float32))
    first, second = (repdist.mmd_test(X, Y, n_resamples=99, rng=3) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert first.components.equals(second.components)


def test_equal_rows_differ_in_nothing():
    X, _ = samples(60, 60, dtype=np.float32)
    X = np.repeat(X, 3, axis=0)
    result = repdist.mmd_test(*on_gpu(X, X), rng=0)
    assert result.pvalue == repdist.mmd_test(X, X, rng=0).pvalue
    assert result.pvalue > 0.9


def test_tables_are_the_same():
    groups = [rows + shift for rows in samples(90, 90) for shift in (0, 0.5)]
    ours = repdist.pairwise_mmd_test(on_gpu(*groups), n_resamples=499, rng=2)
    theirs = repdist.pairwise_mmd_test(groups, n_resamples=499, rng=2)
    ours, theirs = ours.to_frame(), theirs.to_frame()
    assert (ours["pvalue"] == theirs["pvalue"]).all()
    for column in theirs.select_dtypes("number"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-7, err_msg=column)


def test_rehearsals_are_the_same():
    X, Y = samples(60, 60, shift=0.6)
    for function in (repdist.check_level, repdist.estimate_power):
        ours = function(*on_gpu(X, Y), n_repetitions=20, n_resamples=99, rng=0)
        assert ours.to_dict() == function(X, Y, n_repetitions=20, n_resamples=99, rng=0).to_dict()


ROWS, CLUSTERS, STRATA = np.arange(120), np.arange(120) // 5, np.arange(120) % 3
DESIGNS = {
    "pairs": {"paired": True},
    "clusters": {"clusters": (CLUSTERS, CLUSTERS + 100)},
    "clusters of unequal sizes": {"clusters": (ROWS // 2, 100 + ROWS // 10)},
    "pairs of clusters": {"paired": True, "clusters": (CLUSTERS, np.flip(CLUSTERS))},
    "strata": {"strata": (STRATA, STRATA)},
    "pairs in strata": {"paired": True, "strata": (STRATA, STRATA)},
    "clusters in strata": {
        "clusters": (CLUSTERS, CLUSTERS + 100), "strata": (CLUSTERS % 3, CLUSTERS % 3)
    },
}  # fmt: skip


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_designs_are_the_same(design):
    X, Y = samples(120, 120)
    ours = repdist.mmd_test(*on_gpu(X, Y), n_resamples=499, rng=1, **design)
    assert_same_result(ours, repdist.mmd_test(X, Y, n_resamples=499, rng=1, **design), 1e-7)


def test_ids_may_lie_on_the_device():
    X, Y = samples(120, 120)
    ids = CLUSTERS, CLUSTERS + 100
    here = repdist.mmd_test(*on_gpu(X, Y), clusters=tuple(on_gpu(*ids)), n_resamples=99, rng=0)
    assert (
        here.to_dict()
        == repdist.mmd_test(*on_gpu(X, Y), clusters=ids, n_resamples=99, rng=0).to_dict()
    )


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("edge", [16, 4096])
def test_gradients_are_the_same(monkeypatch, name, edge):
    monkeypatch.setattr(geometry, "_DEVICE_EDGE", edge)
    monkeypatch.setattr(gradient, "_KEPT_ROWS", 199 if edge < 200 else 200)
    gradients = []
    for device in ("cpu", "cuda"):
        X, Y = (torch.tensor(Z, device=device, requires_grad=True) for Z in samples(120, 80))
        repdist.mmd_squared(X, Y, kernel=KERNELS[name]).backward()
        assert X.grad.device == X.device
        gradients.append((X.grad.cpu(), Y.grad.cpu()))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-12)


def test_the_loss_stays_on_the_device_in_its_dtype():
    X, Y = (Z.requires_grad_() for Z in on_gpu(*samples(dtype=np.float32)))
    loss = repdist.mmd_squared(X, Y)
    assert (loss.device, loss.dtype, loss.shape) == (X.device, torch.float32, ())


@pytest.mark.parametrize("differentiable", [False, True])
def test_no_precision_is_lost_to_tf32_or_autocast(differentiable):
    far = [100 + Z for Z in samples(500, 500, 64, np.float32)]  # where TF32 would show
    X, Y = (Z.requires_grad_(differentiable) for Z in on_gpu(*far))
    plain = repdist.mmd_squared(X, Y).item()
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = repdist.mmd_squared(X, Y)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert loss.item() == plain
    if differentiable:
        loss.backward()
        assert torch.isfinite(X.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int32])
def test_other_dtypes(dtype):
    X, Y = ((4 * Z).to(dtype) for Z in on_gpu(*samples()))
    ours = repdist.mmd_test(X, Y, n_resamples=99, rng=0)
    theirs = repdist.mmd_test(X.cpu(), Y.cpu(), n_resamples=99, rng=0)
    assert abs(ours.pvalue - theirs.pvalue) <= 0.01
    assert ours.mmd_squared == pytest.approx(theirs.mmd_squared, rel=1e-3)


def test_the_median_heuristic_is_the_same():
    X, Y = samples(40, 30)
    assert repdist.median_heuristic(*on_gpu(X, Y)) == pytest.approx(
        repdist.median_heuristic(X, Y), rel=1e-12
    )


def test_two_devices_do_not_mix():
    X, Y = samples()
    (elsewhere,) = on_gpu(Y)
    with pytest.raises(ValueError, match="must be on one device"):
        repdist.mmd_test(torch.as_tensor(X), elsewhere)


@pytest.mark.parametrize("n", [10, 300, 20_000])
def test_what_it_holds_is_no_more_than_it_states(n):
    X, Y = on_gpu(*samples(n, n, 64, np.float32))
    torch.cuda.synchronize()
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    result = repdist.mmd_test(X, Y, n_resamples=99, rng=0)
    assert torch.cuda.max_memory_allocated() - held <= result.memory_bytes


def test_the_backward_pass_keeps_no_matrix():
    X, Y = (Z.requires_grad_() for Z in on_gpu(*samples(10_000, 10_000, 64, np.float32)))
    torch.cuda.reset_peak_memory_stats()
    repdist.mmd_squared(X, Y).backward()
    assert torch.isfinite(X.grad).all()
    assert torch.cuda.max_memory_allocated() < 4 * 2**30  # ten components would be 16


def test_nothing_is_copied_back_whole(monkeypatch):
    X, Y = on_gpu(*samples(5000, 5000, 32, np.float32))
    largest = 0
    copy = torch.Tensor.cpu

    def watched(tensor, *args, **kwargs):
        nonlocal largest
        largest = max(largest, tensor.numel())
        return copy(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "cpu", watched)
    repdist.mmd_test(X, Y, n_resamples=99, rng=0)
    assert 0 < largest < X.numel()


@pytest.mark.parametrize("name", ["default", "Laplacian", "energy"])
def test_deterministic_algorithms_give_the_same_test(name, monkeypatch):
    """A median with places is refused by torch then."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    X, Y = on_gpu(*samples(1001, 700))
    usual = repdist.mmd_test(X, Y, kernel=KERNELS[name], rng=0)
    torch.use_deterministic_algorithms(True)
    try:
        again = repdist.mmd_test(X, Y, kernel=KERNELS[name], rng=0)
        repdist.mmd_squared(X.requires_grad_(), Y, kernel=KERNELS[name]).backward()
    finally:
        torch.use_deterministic_algorithms(False)
    assert again.pvalue == usual.pvalue


@pytest.mark.parametrize("design", ["rows", "paired", "strata"])
def test_landmarks_see_the_same(design):
    X, Y = samples(400, 400)
    kinds = np.arange(400) % 3
    said = {"paired": {"paired": True}, "strata": {"strata": (kinds, kinds)}}.get(design, {})
    options = {"method": "landmarks", "n_landmarks": 64, "n_resamples": 499, "rng": 1, **said}
    ours = repdist.mmd_test(*on_gpu(X, Y), **options)
    theirs = repdist.mmd_test(X, Y, **options)
    assert_same_result(ours, theirs, 1e-6)
    np.testing.assert_allclose(ours.landmarks.captured, theirs.landmarks.captured, rtol=1e-6)


def test_a_reference_takes_rows_of_the_device():
    X, Y = samples(3000, 600, dtype=np.float32)
    reference = repdist.Reference(X, rng=0)
    (rows,) = on_gpu(Y)
    ours, theirs = (reference.compare(part, rng=1) for part in (rows, Y))
    assert ours.mmd_squared == pytest.approx(theirs.mmd_squared, rel=1e-3)
    on_device = repdist.Reference(*on_gpu(X), rng=0)
    np.testing.assert_allclose(on_device.plan.landmarks, reference.plan.landmarks)


def test_a_metric_of_torchmetrics_computes_where_its_features_lie():
    pytest.importorskip("torchmetrics.image.kid")
    from repdist.torchmetrics import KernelDistance

    X, Y = samples(dtype=np.float32)
    found = []
    for device, step in (("cpu", 1), ("cuda", 1), ("cuda", -1)):
        metric = KernelDistance(n_resamples=999).to(device)
        metric.update(torch.tensor(X[::step].copy(), device=device), real=True)
        metric.update(torch.tensor(Y[::step].copy(), device=device), real=False)
        values = metric.compute()
        assert {value.device.type for value in values.values()} == {device}
        found.append([value.item() for value in values.values()])
    assert found[1] == found[2]  # in any order of rows
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)
