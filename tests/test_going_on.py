"""Fits that have ended and go on with a larger `max_iter`; checkpoints that were set free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import checkpoints
import numpy as np
import pytest

from vivace import BayesianGaussianMixture, Checkpoint
from vivace.io.checkpoint_folder import MANIFEST, RELEASED, CheckpointError, CheckpointFolder

pytestmark = pytest.mark.filterwarnings("ignore:Best performing")

# Initialisations that ended at max_iter would have gone on: see below.
ONE_INIT = {"batch": {"n_init": 1}, "held out": {"n_init": 1}}


def job(name: str, **changes: Any) -> Any:
    return checkpoints.JOBS[name]().set_params(**ONE_INIT.get(name, {}), **changes)


def going_on(folder: Path) -> Checkpoint:
    return Checkpoint(folder, every=1e9, resume=True)


@pytest.mark.parametrize("name", checkpoints.JOBS)
def test_more_passes(name: str, tmp_path: Path) -> None:
    """Ended at max_iter and gone on with, twice: the bits of a fit that had all passes at once."""
    X = checkpoints.data(name)
    full = job(name).fit(X)
    most = full.max_iter
    for passes in (most // 3, most // 2, most, most):
        checkpoint = going_on(tmp_path)
        model = job(name, max_iter=passes).fit(X, checkpoint=checkpoint)
        assert checkpoint.written == 1
        checkpoint.release()
    assert checkpoint.resumed_from == model.n_iter_
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))


@pytest.mark.parametrize("name", ["batch", "memoized", "online", "held out", "lda held out"])
def test_converged(name: str, tmp_path: Path) -> None:
    """More passes change nothing: another fit is back at once, with the same bits."""
    changes = {"validation_fraction": 0.2, "n_iter_no_change": 2, "max_iter": 400}
    if "held out" not in name:
        changes = {"tol": 1e-3, "max_iter": 400}
    X = checkpoints.data(name)
    full = job(name, **changes).fit(X)
    assert full.converged_
    assert full.n_iter_ < 400
    first = job(name, **changes).fit(X, checkpoint=going_on(tmp_path))
    changes["max_iter"] = 500
    again, calls = job(name, **changes), list[Any]()
    again.fit(X, checkpoint=going_on(tmp_path), callbacks=calls.append)
    assert not calls
    assert again.converged_
    found = [checkpoints.arrays(model) for model in (full, first, again)]
    for one in found:
        del one["parameters"]  # max_iter
    assert checkpoints.same(found[0], found[1])
    assert checkpoints.same(found[0], found[2])


def test_a_converged_initialisation_before(tmp_path: Path) -> None:
    """Initialisations that converged are as they were; the last one goes on."""
    changes = {"tol": 1e-6, "n_init": 2, "random_state": 6}
    model = checkpoints.JOBS["batch"]().set_params(**changes, max_iter=1000)
    full = model.fit(checkpoints.rows())
    counts: list[list[int]] = []

    def count(progress: Any) -> None:
        if progress.n_iter == 1:
            counts.append([])
        counts[-1][:] = [progress.n_iter]

    model.fit(checkpoints.rows(), callbacks=count)
    first, last = counts[0][0], counts[1][0]
    assert first < last, "of this seed the second was the longer one"
    for passes in (first, 1000):
        model = checkpoints.JOBS["batch"]().set_params(**changes, max_iter=passes)
        model.fit(checkpoints.rows(), checkpoint=going_on(tmp_path))
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))
    refused = model.set_params(max_iter=first - 1)
    with pytest.raises(CheckpointError, match=r"more than max_iter|took \d+ iterations"):
        refused.fit(checkpoints.rows(), checkpoint=going_on(tmp_path))


def test_an_initialisation_that_was_cut_short(tmp_path: Path) -> None:
    model = checkpoints.JOBS["batch"]().set_params(max_iter=8)  # n_init=2
    model.fit(checkpoints.rows(), checkpoint=going_on(tmp_path))
    before = (tmp_path / MANIFEST).read_bytes()
    for passes in (9, 20):
        with pytest.raises(CheckpointError, match=r"initialisation 1 of 2 ended at max_iter=8"):
            model.set_params(max_iter=passes).fit(checkpoints.rows(), checkpoint=going_on(tmp_path))
    assert (tmp_path / MANIFEST).read_bytes() == before
    model.set_params(max_iter=8).fit(checkpoints.rows(), checkpoint=going_on(tmp_path))


@pytest.mark.parametrize("name", ["memoized", "lda sampled", "table"])
def test_fewer_passes(name: str, tmp_path: Path) -> None:
    X = checkpoints.data(name)
    job(name, max_iter=6).fit(X, checkpoint=going_on(tmp_path))
    with pytest.raises(CheckpointError, match="made 6 iterations, more than max_iter=5"):
        job(name, max_iter=5).fit(X, checkpoint=going_on(tmp_path))
    with pytest.raises(CheckpointError, match="more than max_iter=0"):
        job(name, max_iter=0).fit(X, checkpoint=going_on(tmp_path))


@pytest.mark.parametrize("name", ["memoized", "lda online"])
def test_in_the_midst_of_a_pass(name: str, tmp_path: Path) -> None:
    """Passes are whole: a state within the third cannot end after two."""
    X, calls = checkpoints.data(name), [0]

    def poll() -> BaseException | None:
        calls[0] += 1
        return KeyboardInterrupt() if calls[0] == 25 else None

    with pytest.raises(KeyboardInterrupt):
        job(name).fit(X, checkpoint=Checkpoint(tmp_path, poll=poll))
    with pytest.raises(CheckpointError, match="2 iterations and is in the midst of number 3"):
        job(name, max_iter=2).fit(X, checkpoint=going_on(tmp_path))
    full = job(name, max_iter=3).fit(X)
    model = job(name, max_iter=3).fit(X, checkpoint=going_on(tmp_path))
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))


def test_stopped_by_a_callback(tmp_path: Path) -> None:
    """Whoever stops a fit himself may go on."""
    full = job("memoized").fit(checkpoints.rows())
    stopped = job("memoized")
    stop = lambda progress: progress.n_iter == 4  # noqa: E731
    stopped.fit(checkpoints.rows(), checkpoint=going_on(tmp_path), callbacks=stop)
    assert stopped.n_iter_ == 4
    model = job("memoized").fit(checkpoints.rows(), checkpoint=going_on(tmp_path))
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))


@pytest.mark.parametrize("name", ["memoized", "held out", "lda held out", "lda sampled"])
@pytest.mark.parametrize("resume", [True, False])
def test_set_free(name: str, resume: bool, tmp_path: Path) -> None:
    """Other data begin afresh in the folder of a job that ended, as if nothing were there."""
    X = checkpoints.data(name)
    other = X[: X.shape[0] // 2]
    checkpoint = going_on(tmp_path)
    job(name, max_iter=5).fit(X, checkpoint=checkpoint)
    with pytest.raises(CheckpointError, match=r"data have changed|holds a checkpoint already"):
        job(name, max_iter=5).fit(other, checkpoint=Checkpoint(tmp_path, resume=resume))
    checkpoint.release()
    full = job(name, max_iter=5).fit(other)
    checkpoint = Checkpoint(tmp_path, resume=resume)
    model = job(name, max_iter=5).fit(other, checkpoint=checkpoint)
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))
    assert checkpoint.resumed_from is None
    assert (checkpoint.afresh is not None) == resume
    if resume:
        assert "data have changed" in str(checkpoint.afresh)
    # What is there now has not been set free.
    with pytest.raises(CheckpointError, match="holds a checkpoint already"):
        job(name, max_iter=5).fit(other, checkpoint=Checkpoint(tmp_path))
    longer = job(name, max_iter=7).fit(other, checkpoint=going_on(tmp_path))
    whole = job(name, max_iter=7).fit(other)
    assert checkpoints.same(checkpoints.arrays(longer), checkpoints.arrays(whole))
    assert len(list(tmp_path.glob("part-*"))) == len(set(_files(tmp_path)))


def _files(folder: Path) -> list[str]:
    from forged import contents

    return list(contents(folder / MANIFEST)[0]["files"])


def test_other_parameters_where_set_free(tmp_path: Path) -> None:
    checkpoint = going_on(tmp_path)
    job("online").fit(checkpoints.rows(), checkpoint=checkpoint)
    checkpoint.release()
    checkpoint = going_on(tmp_path)
    job("online", n_components=3).fit(checkpoints.rows(), checkpoint=checkpoint)
    assert "n_components was 6 and is 3" in str(checkpoint.afresh)


def test_a_full_disk_leaves_what_was_set_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the numbers of manifests would be the same."""
    checkpoint = going_on(tmp_path)
    job("batch", max_iter=5).fit(checkpoints.rows(), checkpoint=checkpoint)
    checkpoint.release()
    before = (tmp_path / MANIFEST).read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vivace.io.checkpoint_folder.write_container", full)
    checkpoint = Checkpoint(tmp_path)
    with pytest.warns(RuntimeWarning, match="No space left"):
        job("batch", max_iter=6).fit(checkpoints.rows(), checkpoint=checkpoint)
    assert checkpoint.written == 0
    assert (tmp_path / MANIFEST).read_bytes() == before
    folder = CheckpointFolder(tmp_path)
    assert folder.released
    folder.close()


def test_release_and_clear(tmp_path: Path) -> None:
    checkpoint = going_on(tmp_path / "job")
    checkpoint.release()  # nothing there
    job("online").fit(checkpoints.rows(), checkpoint=checkpoint)
    checkpoint.release()
    assert (tmp_path / "job" / RELEASED).exists()
    (tmp_path / "job" / RELEASED).write_text("something else")
    with pytest.raises(CheckpointError, match="holds a checkpoint already"):
        job("online").fit(checkpoints.rows(), checkpoint=Checkpoint(tmp_path / "job"))
    checkpoint.clear()
    assert not (tmp_path / "job").exists()
    Checkpoint(None).release()


def test_cut_short_in_the_first_of_several(tmp_path: Path) -> None:
    """A fit killed in its second initialisation, the first of which had ended at max_iter."""
    seen = [0]

    def poll() -> BaseException | None:
        seen[0] += 1
        return KeyboardInterrupt() if seen[0] == 12 else None

    model = BayesianGaussianMixture(
        n_components=4, n_init=3, max_iter=8, tol=0.0, random_state=0, acceleration=None
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(checkpoints.rows(), checkpoint=Checkpoint(tmp_path, poll=poll))
    with pytest.raises(CheckpointError, match="initialisation 1 of 3 ended at max_iter=8"):
        model.set_params(max_iter=10).fit(checkpoints.rows(), checkpoint=going_on(tmp_path))
    model.set_params(max_iter=8).fit(checkpoints.rows(), checkpoint=going_on(tmp_path))
    full = BayesianGaussianMixture(**model.get_params()).fit(checkpoints.rows())
    assert np.array_equal(full.elbo_trace_, model.elbo_trace_)


@pytest.mark.parametrize("name", ["lda collapsed", "lda sampled", "memoized"])
def test_the_end_is_left_out(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it takes too much of the time: a fit with more passes goes on from the one before."""
    X = checkpoints.data(name)
    full = job(name).fit(X)
    most = full.max_iter
    monkeypatch.setattr("vivace.engine.writing.LARGEST_SHARE", 1e9)
    monkeypatch.setattr("vivace.engine.writing.LARGEST_SHARE_AT_END", 0.0)
    monkeypatch.setattr("vivace.engine.writing.SOON_WRITTEN", 0.0)
    checkpoint = Checkpoint(tmp_path, every=1e-9, resume=True)

    def enough(progress: Any) -> None:
        if progress.n_iter == 3:
            checkpoint.every = 1e9  # no more of them, from the next one on

    short = job(name, max_iter=most // 2).fit(X, checkpoint=checkpoint, callbacks=enough)
    assert checkpoint.left_out is not None
    assert checkpoint.left_out > 0.0
    assert not checkpoint.ended
    assert checkpoint.stored is not None
    assert checkpoint.stored < short.n_iter_
    checkpoint.release()
    monkeypatch.undo()
    checkpoint = going_on(tmp_path)
    model = job(name).fit(X, checkpoint=checkpoint)
    assert checkpoint.ended
    assert checkpoint.left_out is None
    assert checkpoint.resumed_from is not None
    assert checkpoint.resumed_from < short.n_iter_
    assert checkpoints.same(checkpoints.arrays(model), checkpoints.arrays(full))


def test_the_end_is_not_written_twice(tmp_path: Path) -> None:
    """The checkpoint of the last pass is that of the end, unless it could not be written."""
    X = checkpoints.data("lda collapsed")
    checkpoint = Checkpoint(tmp_path, every=0.0)
    model = job("lda collapsed", max_iter=4).fit(X, checkpoint=checkpoint)
    assert (checkpoint.written, checkpoint.stored, checkpoint.ended) == (4, model.n_iter_, True)
