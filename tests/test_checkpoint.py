"""Checkpoints: when they are written, what they refuse, and what a failure leaves."""

from __future__ import annotations

import errno
import os
import threading
from itertools import count
from pathlib import Path
from typing import Any

import checkpoints
import forged
import numpy as np
import pytest

from vivace import BayesianGaussianMixture, Checkpoint, LatentDirichletAllocation
from vivace.estimators import jobs
from vivace.io import checkpoint_folder
from vivace.io.checkpoint_folder import MANIFEST, CheckpointError, CheckpointFolder
from vivace.io.container import write_container

pytestmark = pytest.mark.filterwarnings("ignore:Best performing")


class Stop(KeyboardInterrupt):
    """What a test asks for."""


def stopping(after: int) -> Any:
    calls = [0]

    def poll() -> BaseException | None:
        calls[0] += 1
        return Stop() if calls[0] == after else None

    return poll


def stopped(folder: Path, name: str = "memoized", after: int = 30, **changes: Any) -> None:
    """Leave the checkpoint of a fit that was stopped."""
    model = checkpoints.JOBS[name]().set_params(**changes)
    with pytest.raises(Stop):
        model.fit(checkpoints.data(name), checkpoint=Checkpoint(folder, poll=stopping(after)))


@pytest.mark.parametrize("name", checkpoints.JOBS)
def test_stopped_again_and_again(name: str, tmp_path: Path) -> None:
    X = checkpoints.data(name)
    full = checkpoints.JOBS[name]().fit(X)
    stops = 0
    while True:
        model = checkpoints.JOBS[name]()
        checkpoint = Checkpoint(tmp_path / "job", every=1e9, resume=True, poll=stopping(11))
        try:
            model.fit(X, checkpoint=checkpoint)
            break
        except Stop:
            stops += 1
            assert checkpoint.written == 1
    assert stops > 0
    assert checkpoint.resumed_from is not None
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))
    checkpoint.clear()
    assert not (tmp_path / "job").exists()


@pytest.mark.parametrize("name", ["batch", "memoized", "lda sampled"])
def test_times_add_up(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit says how long all processes took that worked on it, as far as they were stored."""
    X = checkpoints.data(name)
    for process in (1, 2):
        with monkeypatch.context() as patched:
            patched.setattr("vivace.engine.job.perf_counter", count(step=1000.0).__next__)
            checkpoint = Checkpoint(tmp_path, every=1e9, resume=True, poll=stopping(5))
            with pytest.raises(Stop):
                checkpoints.JOBS[name]().fit(X, checkpoint=checkpoint)
        assert checkpoint.earlier == 1000.0 * (process - 1)
    checkpoint = Checkpoint(tmp_path, every=1e9, resume=True)
    model = checkpoints.JOBS[name]().fit(X, checkpoint=checkpoint)
    assert checkpoint.earlier == 2000.0
    assert 2000.0 < model._about["timings"]["fit"] < 3000.0
    checkpoint.clear()
    checkpoints.JOBS[name]().fit(X, checkpoint=checkpoint)  # begins afresh
    assert checkpoint.earlier == 0.0


def test_threads_may_change(tmp_path: Path) -> None:
    stopped(tmp_path, n_jobs=2)
    full = checkpoints.JOBS["memoized"]().fit(checkpoints.rows())
    model = checkpoints.JOBS["memoized"]().fit(checkpoints.rows(), checkpoint=tmp_path)
    assert checkpoints.arrays(model)["n_iter_"] == full.n_iter_
    assert model.lower_bound_ == full.lower_bound_


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    stopped(tmp_path, after=25)
    first = {entry for entry in os.listdir(tmp_path) if entry.startswith("part-")}
    with pytest.raises(Stop):
        checkpoints.JOBS["memoized"]().fit(
            checkpoints.rows(), checkpoint=Checkpoint(tmp_path, resume=True, poll=stopping(1))
        )
    second = {entry for entry in os.listdir(tmp_path) if entry.startswith("part-")}
    assert first < second
    sizes = [sum((tmp_path / e).stat().st_size for e in some) for some in (first, second - first)]
    assert sizes[1] < 0.3 * sizes[0]  # one batch of twelve


def test_a_global_generator_goes_on(tmp_path: Path) -> None:
    np.random.seed(5)  # noqa: NPY002
    full = checkpoints.JOBS["batch"]().set_params(random_state=None).fit(checkpoints.rows())
    np.random.seed(5)  # noqa: NPY002
    stopped(tmp_path, "batch", 70, random_state=None)
    np.random.seed(6)  # noqa: NPY002
    model = checkpoints.JOBS["batch"]().set_params(random_state=None)
    model.fit(checkpoints.rows(), checkpoint=tmp_path)
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_components": 5}, "n_components was 6 and is 5"),
        ({"tol": 1e-9}, "tol was 0.0 and is 1e-09"),
        ({"means_init": np.zeros((6, 3))}, "means_init was None"),
    ],
)
def test_another_job(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    stopped(tmp_path)
    before = (tmp_path / MANIFEST).read_bytes()
    model = checkpoints.JOBS["memoized"]().set_params(**change)
    with pytest.raises(CheckpointError, match=message):
        model.fit(checkpoints.rows(), checkpoint=tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_another_model(tmp_path: Path) -> None:
    stopped(tmp_path)
    with pytest.raises(CheckpointError, match="class was BayesianGaussianMixture and is Latent"):
        LatentDirichletAllocation().fit(checkpoints.documents(), checkpoint=tmp_path)


@pytest.mark.parametrize("name", ["memoized", "lda memoized"])
def test_other_data(name: str, tmp_path: Path) -> None:
    stopped(tmp_path, name)
    X = 1.5 * checkpoints.data(name)
    with pytest.raises(CheckpointError, match="data have changed"):
        checkpoints.JOBS[name]().fit(X, checkpoint=tmp_path)


def test_other_order_of_rows(tmp_path: Path) -> None:
    stopped(tmp_path)
    with pytest.raises(CheckpointError, match="data have changed"):
        checkpoints.JOBS["memoized"]().fit(checkpoints.rows()[::-1], checkpoint=tmp_path)


def test_other_software(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(tmp_path)
    monkeypatch.setattr(jobs, "_LIBRARIES", ("vivace", "numpy"))
    model = checkpoints.JOBS["memoized"]()
    with pytest.raises(CheckpointError, match=r"version or instruction set.*--inexact"):
        model.fit(checkpoints.rows(), checkpoint=tmp_path)
    with pytest.warns(RuntimeWarning, match="last bits may differ"):
        model.fit(checkpoints.rows(), checkpoint=Checkpoint(tmp_path, resume=True, exact=False))


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    stopped(tmp_path)
    with pytest.raises(CheckpointError, match="holds a checkpoint already"):
        checkpoints.JOBS["memoized"]().fit(checkpoints.rows(), checkpoint=Checkpoint(tmp_path))


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    with pytest.raises(CheckpointError, match="another process"):
        CheckpointFolder(tmp_path)
    folder.close()
    CheckpointFolder(tmp_path).close()


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit outlives it, and the last good checkpoint is as it was."""
    stopped(tmp_path)
    before = (tmp_path / MANIFEST).read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint_folder, "write_container", full)
    checkpoint = Checkpoint(tmp_path, every=0.0, resume=True)
    with pytest.warns(RuntimeWarning, match="No space left") as caught:
        checkpoints.JOBS["memoized"]().fit(checkpoints.rows(), checkpoint=checkpoint)
    assert len([one for one in caught if "No space" in str(one.message)]) == 1
    assert (tmp_path / MANIFEST).read_bytes() == before
    assert checkpoint.written == 0
    monkeypatch.undo()
    model = checkpoints.JOBS["memoized"]().fit(checkpoints.rows(), checkpoint=tmp_path)
    full_fit = checkpoints.JOBS["memoized"]().fit(checkpoints.rows())
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full_fit))


@pytest.mark.parametrize("which", ["manifest", "part"])
@pytest.mark.parametrize("how", ["truncated", "flipped", "missing"])
def test_damage(which: str, how: str, tmp_path: Path) -> None:
    stopped(tmp_path)
    part = next(entry for entry in sorted(os.listdir(tmp_path)) if entry.startswith("part-"))
    path = tmp_path / (MANIFEST if which == "manifest" else part)
    content = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    elif which == "part":
        path.unlink()
    else:
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"damaged|missing"):
        checkpoints.JOBS["memoized"]().fit(checkpoints.rows(), checkpoint=tmp_path)


def test_a_model_file_is_no_checkpoint(tmp_path: Path) -> None:
    BayesianGaussianMixture(n_components=2, tol=1e-3).fit(checkpoints.rows()).save(
        tmp_path / MANIFEST
    )
    with pytest.raises(CheckpointError, match="no part of a checkpoint"):
        checkpoints.JOBS["memoized"]().fit(checkpoints.rows(), checkpoint=tmp_path)


def test_written_beside_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a thread, while the fit goes on; what is stored is the state of one moment."""
    monkeypatch.setattr("vivace.engine.writing.LARGEST_SHARE", 1e9)
    gate, seen = threading.Event(), []
    write = checkpoint_folder.CheckpointFolder.write

    def slow(self: Any, state: Any, parts: Any) -> None:
        seen.append(threading.current_thread() is threading.main_thread())
        gate.wait(30)
        write(self, state, parts)

    monkeypatch.setattr(checkpoint_folder.CheckpointFolder, "write", slow)

    def stop(progress: Any) -> bool:
        if progress.n_iter == 6:
            gate.set()  # the fit has gone on for some passes meanwhile
        return bool(progress.n_iter == 8)

    for name in ("lda online", "memoized"):
        gate.clear()
        seen.clear()
        folder, full = tmp_path / name, checkpoints.JOBS[name]().fit(checkpoints.data(name))
        job = Checkpoint(folder, every=1e-9)
        checkpoints.JOBS[name]().fit(checkpoints.data(name), checkpoint=job, callbacks=stop)
        assert job.written >= 1
        assert job.stored is not None
        # The last one is that of the end, unless the thread has just stored the same.
        assert seen
        assert not any(seen[:-1])
        went_on = Checkpoint(folder, resume=True)
        model = checkpoints.JOBS[name]().fit(checkpoints.data(name), checkpoint=went_on)
        assert went_on.resumed_from is not None
        assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))


def test_a_full_disk_is_told_from_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivace.engine.writing.LARGEST_SHARE", 1e9)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_folder, "write_container", full)
    with pytest.warns(RuntimeWarning, match="could not be written"):
        checkpoints.JOBS["memoized"]().fit(
            checkpoints.rows(), checkpoint=Checkpoint(tmp_path / "job", every=1e-9)
        )


def test_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every"):
        Checkpoint(tmp_path, every=-1.0)
    with pytest.raises(TypeError, match=r"a folder or a vivace\.Checkpoint"):
        BayesianGaussianMixture(n_components=2).fit(checkpoints.rows(), checkpoint=3)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="is a file"):
        BayesianGaussianMixture(n_components=2).fit(
            checkpoints.rows(), checkpoint=tmp_path / "file"
        )


@pytest.mark.parametrize("name", ["online", "memoized", "table", "lda online", "lda collapsed"])
def test_numbers_that_are_none(name: str, tmp_path: Path) -> None:
    """Planted where checksums are right: a message, not an error of the arithmetic later."""
    stopped(tmp_path / "job", name, 17)
    for file in sorted((tmp_path / "job").glob("*.vivace")):
        header, arrays = forged.contents(file)
        good = file.read_bytes()
        chosen = [key for key in arrays if arrays[key].dtype.kind == "f" and arrays[key].size]
        for key in chosen if file.name == MANIFEST else chosen[:3]:
            changed = arrays[key].copy()
            changed.flat[changed.size // 2] = np.nan
            with open(file, "wb") as out:
                write_container(out, header, {**arrays, key: changed})
            with pytest.raises(CheckpointError, match=r"is not finite.*Remedy"):
                checkpoints.JOBS[name]().fit(checkpoints.data(name), checkpoint=tmp_path / "job")
        file.write_bytes(good)
    checkpoints.JOBS[name]().fit(checkpoints.data(name), checkpoint=tmp_path / "job")
