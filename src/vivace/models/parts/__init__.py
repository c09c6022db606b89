"""Parts of a mixture over a table: each a family on its own columns."""

from vivace.models.parts.base import Part
from vivace.models.parts.correlated import CorrelatedPart, StudentPart
from vivace.models.parts.feature import FeaturePart
from vivace.models.parts.gather import GatherPart
from vivace.models.parts.gaussian import GaussianPart
from vivace.models.parts.levels import FlagsPart, LevelsPart
from vivace.models.parts.pooled import PooledPart
from vivace.models.parts.sparse import SparsePart

__all__ = [
    "CorrelatedPart",
    "FeaturePart",
    "FlagsPart",
    "GatherPart",
    "GaussianPart",
    "LevelsPart",
    "Part",
    "PooledPart",
    "SparsePart",
    "StudentPart",
]
