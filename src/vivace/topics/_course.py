"""A fit of topics in a checkpoint: seeds, and what is looked at after each pass."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from vivace.engine import Executor, Fit, Job
from vivace.models.cvb0 import CollapsedModel
from vivace.models.lda import LatentDirichletModel
from vivace.models.topic_packing import CollapsedPacking, TopicsPacking
from vivace.topics._documents import Documents
from vivace.topics._validation import Validation
from vivace.topics._warm import _key
from vivace.topics._watch import Watch

if TYPE_CHECKING:
    from vivace.topics._fitting import Fitted


class Course:
    """Brings a fit back to where its checkpoint was, and tells the next one where that is.

    What a fit draws at its start is drawn again, from the generator as it was then.

    Parameters
    ----------
    job : Job
        Of the fit.
    rng : RandomState
        As `random_state` says.

    Attributes
    ----------
    rng : RandomState
        To draw from: that of the fit that was interrupted.
    going_on : bool
        Whether there is a checkpoint.
    """

    def __init__(self, job: Job, rng: np.random.RandomState) -> None:
        found = job.found
        self._job, self._found = job, found
        self.rng = rng if found is None else found["random"]
        self._begin = deepcopy(self.rng)
        self.going_on = found is not None

    def look(
        self,
        model: LatentDirichletModel,
        documents: Documents,
        previous: Fitted | None,
        max_iter: int,
    ) -> None:
        """Compare the documents with those of the checkpoint, and passes made with `max_iter`."""
        warm = None if previous is None else repr(float(previous.topics.totals.sum()))
        facts = {
            "number of documents": documents.n_documents,
            "number of words": documents.n_words,
            "content": _key(model, documents).hex()[:32],
            "warm start from": warm,
        }
        self._job.check("data", facts)
        self._job.admit(max_iter)
        self.going_on = self._job.found is not None
        if not self.going_on:
            self._found = None
        collapsed = isinstance(model, CollapsedModel)
        self._packing = CollapsedPacking(model) if collapsed else TopicsPacking(model)
        self._job.packing = self._packing

    def restore(self, executor: Executor) -> Fit:
        """Return the fit to go on with."""
        with executor:
            fit = self._job.restore()
        assert fit is not None
        return fit

    def watch(self, watch: Watch, validation: Validation | None) -> None:
        """Bring what is looked at back to where it was, and store it from now on."""
        job, packing, begin = self._job, self._packing, self._begin
        if self._found is not None:
            with job.reading():
                watch.restore(self._found["watch"])
                if validation is not None:
                    validation.restore_state(self._found["validation"])
                    if validation.best >= 0:
                        validation.restore_kept(job.part("best", validation.best), packing)
        job.extra = lambda: {
            "random": begin,
            "watch": watch.state(),
            "validation": None if validation is None else validation.state(),
        }
        if validation is not None:
            job.parts = lambda: (
                {"best": (validation.best, lambda: validation.kept(packing))}
                if validation.best >= 0
                else {}
            )
        self._found = None
