"""The guide's worked choice of the number of topics comes out as the guide says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "topics.md"


def test_the_worked_choice_of_the_guide():
    text = GUIDE.read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (code,) = [block for block in blocks if "texts_of_six" in block]
    namespace = {}
    exec("import numpy as np\nfrom vivace import LatentDirichletAllocation\n" + code, namespace)
    scores, best = namespace["scores"], namespace["best"]
    assert best == 6
    told = re.search(r"The scores were (.*?):", text, re.DOTALL)[1]
    numbers = [float(number) for number in re.findall(r"-\d\.\d+", told)]
    # Another instruction set may end in other optima where there are too many topics.
    assert list(scores.values()) == pytest.approx(numbers, abs=0.03)
