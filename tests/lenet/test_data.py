"""Digits from files and from the internet, the images made of them, and files of arrays."""

import gzip
import http.server
import importlib
import re
import socket
import threading

import numpy as np
import pytest
from digit_files import idx_bytes, random_digits, write_raw_files
from given import needs

archive = importlib.import_module("repdist._experiments.lenet_gap.archive")
data = importlib.import_module("repdist._experiments.lenet_gap.data")
features = importlib.import_module("repdist._experiments.lenet_gap.features")


# --- cluttered images ----------------------------------------------------------------------------


def naive_clutter(digits, pool, rng, size, n_distractors):
    """The recipe, one image and one pixel at a time, with the random numbers in the same order."""
    n = len(digits)
    images = [[[0] * size for _ in range(size)] for _ in range(n)]

    def add(i, piece, top, left):
        for row, line in enumerate(piece.tolist()):
            for column, value in enumerate(line):
                place = images[i][top + row]
                place[left + column] = min(255, place[left + column] + value)

    for _ in range(n_distractors):
        sources = rng.integers(len(pool), size=n)
        tops, lefts = rng.integers(21, size=(2, n))
        rows, columns = rng.integers(size - 7, size=(2, n))
        for i in range(n):
            crop = pool[sources[i]][tops[i] : tops[i] + 8, lefts[i] : lefts[i] + 8]
            add(i, crop, rows[i], columns[i])
    rows, columns = rng.integers(size - 27, size=(2, n))
    for i in range(n):
        add(i, digits[i], rows[i], columns[i])
    return np.array(images), np.stack([rows, columns], axis=1)


@pytest.mark.parametrize(("size", "n_distractors"), [(100, 8), (40, 2), (29, 30), (28, 0)])
def test_clutter_is_the_recipe(size, n_distractors):
    (pool, _), (digits, _) = random_digits((2, 1))
    got = data.clutter(
        digits, pool, np.random.default_rng(7), size=size, n_distractors=n_distractors
    )
    images, corners = naive_clutter(digits, pool, np.random.default_rng(7), size, n_distractors)
    assert got.images.dtype == np.uint8
    np.testing.assert_array_equal(got.images, images)
    np.testing.assert_array_equal(got.corners, corners)


def test_sums_are_clipped_not_wrapped():
    white = np.full((3, 28, 28), 200, np.uint8)
    images = data.clutter(white, white, np.random.default_rng(0), size=28).images
    assert set(np.unique(images)) == {200, 255}


def test_without_distractors_there_is_the_digit_alone():
    digits = random_digits()[0][0]
    drawn = data.clutter(digits, digits, np.random.default_rng(1), n_distractors=0)
    assert drawn.images.shape == (60, 100, 100)
    for digit, image, (top, left) in zip(digits, drawn.images, drawn.corners, strict=True):
        alone = np.zeros((100, 100))
        alone[top : top + 28, left : left + 28] = digit
        np.testing.assert_array_equal(image, alone)


def test_corners_reach_the_edges():
    digits = np.zeros((400, 28, 28), np.uint8)
    corners = data.clutter(digits, digits, np.random.default_rng(0), size=31).corners
    assert {tuple(corner) for corner in corners} == set(np.ndindex(4, 4))


def test_clutter_leaves_its_inputs():
    digits, pool = (images for images, _ in random_digits())
    before = digits.copy(), pool.copy()
    data.clutter(digits, pool, np.random.default_rng(0))
    np.testing.assert_array_equal(digits, before[0])
    np.testing.assert_array_equal(pool, before[1])


def test_bad_clutter():
    digits = random_digits()[0][0]
    with pytest.raises(ValueError, match="`size` must be at least 28; got 27"):
        data.clutter(digits, digits, np.random.default_rng(0), size=27)
    with pytest.raises(ValueError, match="`pool` must hold at least one digit"):
        data.clutter(digits, digits[:0], np.random.default_rng(0))


@pytest.fixture(scope="module")
def digits():
    return data.load_digits()


@pytest.fixture(scope="module")
def drawn(digits):
    return features.make_images(digits[1])


def test_the_share_of_lit_pixels(digits, drawn):
    train = digits[0].images
    images = data.clutter(train[:3000], train, np.random.default_rng(0)).images
    assert (images > 0).mean() == pytest.approx(0.030657, abs=1e-6)
    assert (drawn.images > 0).mean() == pytest.approx(0.029133, abs=1e-6)


def test_the_test_images_are_sorted_by_class(digits, drawn):
    assert drawn.images.shape == (3000, 100, 100)
    np.testing.assert_array_equal(drawn.labels, np.repeat(np.arange(10), 300))
    at = {index: i for i, index in enumerate(digits[1].indices.tolist())}
    for i, (top, left) in enumerate(drawn.corners):
        box = drawn.images[i, top : top + 28, left : left + 28]
        digit = digits[1][np.array([at[int(drawn.indices[i])]])]
        assert (box >= digit.images[0]).all()
        assert digit.labels[0] == drawn.labels[i]


def test_clutter_comes_from_the_same_digits_alone():
    """Digits beyond those that are drawn, as the whole of MNIST has them, change no image."""
    (images, labels), _ = random_digits((9, 1))
    digits = data.Digits(images, labels, np.arange(90, dtype=np.int32))
    few = features.make_images(digits.of_each_class(4), n_per_class=4)
    many = features.make_images(digits, n_per_class=4)
    np.testing.assert_array_equal(few.images, many.images)
    np.testing.assert_array_equal(few.indices, many.indices)


@needs("tensorflow")
def test_the_features_file(tmp_path):
    (images, labels), _ = random_digits((3, 1))
    digits = data.Digits(images, labels, np.arange(30, dtype=np.int32))
    drawn = features.make_images(digits, n_per_class=3)
    rows = np.random.default_rng(0).random((30, 64), dtype=np.float32)
    features.save_features(tmp_path / "features.npz", rows, drawn)
    with np.load(tmp_path / "features.npz", allow_pickle=False) as arrays:
        assert arrays["features"].dtype == np.float32
        np.testing.assert_array_equal(arrays["features"].reshape(30, 64), rows)
        assert arrays["names"].tolist() == [*"0123456789"]
        np.testing.assert_array_equal(arrays["labels"], np.arange(10)[:, None].repeat(3, axis=1))
        np.testing.assert_array_equal(labels[arrays["image_ids"]], arrays["labels"])
        assert arrays["seed"] == 2019


# --- digits --------------------------------------------------------------------------------------


def test_the_first_of_each_class():
    (images, labels), _ = random_digits()
    digits = data.Digits(images, labels, np.arange(100, 160, dtype=np.int32))
    chosen = digits.of_each_class(2)
    naive = [i for c in range(10) for i in [i for i in range(60) if labels[i] == c][:2]]
    np.testing.assert_array_equal(chosen.images, images[naive])
    np.testing.assert_array_equal(chosen.labels, labels[naive])
    np.testing.assert_array_equal(chosen.indices, np.array(naive) + 100)
    assert len(chosen) == 20


def test_too_few_of_a_class():
    (images, labels), _ = random_digits()
    keep = np.delete(np.arange(60), np.flatnonzero(labels == 7)[:4])
    with pytest.raises(ValueError, match=r"`--mnist` must hold 3 test digits .* got 2 of class"):
        data.Digits(images, labels, np.arange(60))[keep].of_each_class(3)


def test_the_digits_that_come_with_repdist(digits):
    train, test = digits
    assert (len(train), len(test)) == (10_000, 3_000)
    assert not {i.tobytes() for i in train.images} & {i.tobytes() for i in test.images}


def check_random_digits(digits):
    for got, (images, labels) in zip(digits, random_digits(), strict=True):
        np.testing.assert_array_equal(got.images, images)
        np.testing.assert_array_equal(got.labels, labels)
        np.testing.assert_array_equal(got.indices, np.arange(len(labels)))
        assert [a.dtype for a in (got.images, got.labels, got.indices)] == [
            np.uint8, np.uint8, np.int32,
        ]  # fmt: skip


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_raw_files_of_any_digits_are_read(compress, tmp_path):
    write_raw_files(tmp_path, compress=compress)
    check_random_digits(data.load_digits(tmp_path))
    check_random_digits(data.load_digits(str(tmp_path)))


def keras_arrays():
    (x_train, y_train), (x_test, y_test) = random_digits()
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_an_npz_of_keras_is_read(dtype, tmp_path):
    arrays = keras_arrays()
    for name in ("y_train", "y_test"):
        arrays[name] = arrays[name].astype(dtype)
    np.savez(tmp_path / "mnist.npz", **arrays)
    check_random_digits(data.load_digits(tmp_path / "mnist.npz"))


BAD_ARRAYS = {
    "floats": ("x_train", lambda a: a / 255, "has float64 (60, 28, 28)"),
    "other size": ("x_test", lambda a: a[:, 1:], "has uint8 (40, 27, 28)"),
    "flat": ("x_train", lambda a: a.reshape(60, 784), "has uint8 (60, 784)"),
    "colours": ("x_test", lambda a: a[..., None], "has uint8 (40, 28, 28, 1)"),
    "label 10": ("y_train", lambda a: a + 1, "0 to 9; PATH has 1 to 10"),
    "label -1": ("y_test", lambda a: a.astype(int) - 1, "0 to 9; PATH has -1 to 8"),
    "too few labels": ("y_train", lambda a: a[1:], "60 images; PATH has uint8 (59,)"),
    "a column": ("y_test", lambda a: a[:, None], "40 images; PATH has uint8 (40, 1)"),
    "float labels": ("y_test", lambda a: a / 1, "40 images; PATH has float64 (40,)"),
    "words": ("y_test", lambda a: a.astype(str), "40 images; PATH has <U3 (40,)"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_arrays_that_are_no_digits(name, tmp_path):
    key, change, reason = BAD_ARRAYS[name]
    arrays = keras_arrays()
    arrays[key] = change(arrays[key])
    np.savez(tmp_path / "mnist.npz", **arrays)
    part = "training" if "train" in key else "test"
    kind = "images" if key.startswith("x") else "labels"
    noun = kind if kind == "images" or "to 9" in reason else "label"
    reason = re.escape(reason).replace("PATH", ".*")
    with pytest.raises(ValueError, match=rf"`--mnist` must hold .*{part} {noun} .*{reason}"):
        data.load_digits(tmp_path / "mnist.npz")


def test_raw_files_of_another_size(tmp_path):
    write_raw_files(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((40, 32, 32))))
    with pytest.raises(ValueError, match=r"test images .* has uint8 \(40, 32, 32\)"):
        data.load_digits(tmp_path)


def test_raw_files_of_different_length(tmp_path):
    write_raw_files(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(61)))
    with pytest.raises(ValueError, match=r"training label .* 60 images; .* has uint8 \(61,\)"):
        data.load_digits(tmp_path)


def test_missing_digits(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`--mnist` must be a folder .* no .*nowhere"):
        data.load_digits(tmp_path / "nowhere")
    write_raw_files(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"t10k-labels-idx1-ubyte or .*\.gz"):
        data.load_digits(tmp_path)


def test_a_missing_subset(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "SUBSET_PATH", tmp_path / "subset.npz")
    with pytest.raises(FileNotFoundError, match=r"subset of repdist` must be an .*subset\.npz"):
        data.load_digits()


def test_an_archive_without_the_keys(tmp_path):
    arrays = keras_arrays()
    del arrays["y_test"]
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match=r"x_train, y_train, x_test, y_test; .* lacks y_test"):
        data.load_digits(tmp_path / "mnist.npz")


DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "text": lambda content: b"hello",
    "inside": lambda content: content[:3000] + bytes(2000) + content[5000:],
    "one array": lambda content: b"\x93NUMPY" + content,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_archive(name, tmp_path):
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, **keras_arrays())
    path.write_bytes(DAMAGES[name](path.read_bytes()))
    with pytest.raises(ValueError, match=r"`--mnist` must be an .*mnist\.npz (is|holds|lacks)"):
        data.load_digits(path)


class Trap:
    """Leaves a trace when it is unpickled."""

    unpickled = False

    def __setstate__(self, state):
        Trap.unpickled = True

    def __getstate__(self):
        return {"a": 1}


def test_nothing_is_unpickled(tmp_path):
    arrays = keras_arrays() | {"y_train": np.array([Trap()] * 60)}
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match="holds Python objects"):
        data.load_digits(tmp_path / "mnist.npz")
    assert not Trap.unpickled


# --- downloads -----------------------------------------------------------------------------------


@pytest.fixture
def serve():
    """Start servers of {path: content}; each returns its address and what it was asked for."""
    servers = []

    def start(files):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                if files is None:
                    self.wfile.write(b"220 ready\r\n")
                    return
                content = files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *words):
                pass

        asked = []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/mnist/", asked

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """Return the four files by their address on a mirror, with hashes to match."""
    monkeypatch.setenv("no_proxy", "*")
    source = tmp_path / "source"
    source.mkdir()
    monkeypatch.setattr(data, "SHA256", write_raw_files(source, compress=gzip.compress))
    return {f"/mnist/{path.name}": path.read_bytes() for path in source.iterdir()}


def dead_mirror():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def test_mnist_is_fetched_once(serve, raw, tmp_path, monkeypatch):
    mirror, asked = serve(raw)
    monkeypatch.setattr(data, "MIRRORS", (mirror,))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = data.download_mnist()
    assert folder == tmp_path / "cache" / "repdist" / "mnist"
    assert sorted(path.name for path in folder.iterdir()) == sorted(data.SHA256)
    check_random_digits(data.load_digits(folder))
    assert sorted(asked) == sorted(raw)
    assert data.download_mnist() == folder
    assert len(asked) == 4
    (folder / "t10k-labels-idx1-ubyte").unlink()
    data.download_mnist()
    assert asked[4:] == ["/mnist/t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize("first", ["dead", "without the files", "no web server"])
def test_a_second_mirror_helps_out(first, serve, raw, tmp_path, monkeypatch):
    bad = {"dead": dead_mirror, "without the files": lambda: serve({})[0],
           "no web server": lambda: serve(None)[0]}[first]()  # fmt: skip
    mirror, asked = serve(raw)
    monkeypatch.setattr(data, "MIRRORS", (bad, mirror))
    check_random_digits(data.load_digits(data.download_mnist(tmp_path / "mnist")))
    assert len(asked) == 4


def test_without_a_network(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MIRRORS", (dead_mirror(), dead_mirror()))
    with pytest.raises(OSError, match=r"idx3-ubyte .*refused.*refused.*`--mnist F"):
        data.download_mnist(tmp_path / "mnist")
    assert not any((tmp_path / "mnist").iterdir())


@pytest.mark.parametrize("damage", ["other digits", "truncated", "a page of a portal"])
def test_a_wrong_file_is_not_kept(damage, serve, raw, tmp_path, monkeypatch):
    wrong = "/mnist/train-labels-idx1-ubyte.gz"
    if damage == "other digits":
        raw[wrong] = gzip.compress(idx_bytes(np.zeros(60)))
    elif damage == "truncated":
        raw[wrong] = raw[wrong][:-20]
    else:
        raw[wrong] = b"<html>Please log in.</html>"
    monkeypatch.setattr(data, "MIRRORS", (serve(raw)[0],))
    reason = "complete gzip" if damage == "truncated" else "another SHA-256"
    with pytest.raises(OSError, match=f"`--download` .* train-labels-idx1-ubyte .*{reason}"):
        data.download_mnist(tmp_path / "mnist")
    assert [path.name for path in (tmp_path / "mnist").iterdir()] == ["train-images-idx3-ubyte"]


def test_an_interrupted_download_leaves_no_half_file(raw, tmp_path, monkeypatch):
    def pieces(url, name):
        yield b"\x1f\x8b"
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "_pieces", pieces)
    with pytest.raises(KeyboardInterrupt):
        data.download_mnist(tmp_path / "mnist")
    assert not any((tmp_path / "mnist").iterdir())


# --- archives ------------------------------------------------------------------------------------


def test_an_archive_has_the_same_bytes_each_time(tmp_path, monkeypatch):
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.array("text")}
    archive.write_npz(tmp_path / "one.npz", arrays)
    monkeypatch.setattr("time.localtime", lambda *a: (2040, 1, 2, 3, 4, 5, 0, 2, 0))
    archive.write_npz(tmp_path / "two.npz", arrays)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as loaded:
        assert list(loaded) == list(arrays)
        for name, array in arrays.items():
            assert loaded[name].dtype == array.dtype
            np.testing.assert_array_equal(loaded[name], array)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    out = tmp_path / "arrays.npz"
    out.write_text("old")
    with pytest.raises(ValueError, match="allow_pickle"):
        archive.write_npz(out, {"good": np.arange(3), "bad": np.array([None])})
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]
