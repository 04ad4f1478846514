"""Threads: NumPy's BLAS keeps to one of them inside, whoever calls, and is as it was outside."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

import repdist
from repdist._threads import in_order, one_blas_thread


def blas_threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def in_a_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def threads_inside():
    with one_blas_thread:
        return blas_threads()


def test_any_thread_holds_blas_to_one_thread():
    with threadpool_limits(2, user_api="blas"):  # by the thread that runs the tests
        assert set(in_a_thread(threads_inside)) <= {1}
        assert set(threads_inside()) <= {1}
        assert set(blas_threads()) <= {2}


def test_the_last_to_leave_gives_blas_its_threads_back():
    with threadpool_limits(2, user_api="blas"):
        one_blas_thread.__enter__()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(one_blas_thread.__enter__).result()
            one_blas_thread.__exit__()
            assert set(blas_threads()) <= {1}
            pool.submit(one_blas_thread.__exit__).result()
        assert set(blas_threads()) <= {2}


def test_a_thread_gets_the_bits_of_the_first():
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=(n, 64)).astype(np.float32) for n in (900, 700))

    def answer():
        result = repdist.mmd_test(X, Y, n_resamples=99, rng=0)
        return result.to_dict(), result.null_distribution.tolist()

    assert in_a_thread(answer) == answer() == in_a_thread(answer)


def test_an_interrupt_on_entering_leaves_nobody_inside(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ThreadpoolController, "limit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            threads_inside()
    with threadpool_limits(2, user_api="blas"):
        assert set(threads_inside()) <= {1}


def test_workers_limit_what_openmp_counts_by_thread(monkeypatch):
    class Library:
        user_api, threading_layer = "blas", "openmp"

        def set_num_threads(self, number):
            limits[threading.current_thread()] = number

    class Controller:
        lib_controllers = (Library(),)

    limits = {}
    with one_blas_thread, monkeypatch.context() as patch:
        patch.setattr(one_blas_thread, "_controller", Controller())
        assert list(in_order(abs, [-1, -2], 2)) == [1, 2]
    assert set(limits.values()) == {1}
    assert threading.current_thread() not in limits


def test_an_interrupt_while_the_limit_is_put_back_is_made_good_by_the_next_call(monkeypatch):
    """Ctrl-C can come at any line: the process must not stay on one thread for good."""

    def interrupted(_):
        raise KeyboardInterrupt

    with threadpool_limits(2, user_api="blas"):
        one_blas_thread.__enter__()
        kind = type(vars(one_blas_thread)["_limit"])
        with monkeypatch.context() as patch:
            patch.setattr(kind, "restore_original_limits", interrupted)
            with pytest.raises(KeyboardInterrupt):
                one_blas_thread.__exit__(None, None, None)
        assert set(blas_threads()) <= {1}
        assert set(threads_inside()) <= {1}
        assert set(blas_threads()) <= {2}
        assert 2 in blas_threads()
