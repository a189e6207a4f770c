"""How long a silence of the API server may last before it means something."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Silence:
    """In seconds. A watch is ended by the server after a time within ``watch_lasts_s``, not all of them at once; one
    that should have ended ``slack_s`` ago is given up. What nobody told of for ``unknown_s`` is not known. Those of
    what is decided on last ``decisive_lasts_s`` at most: one that ends well has told all until then."""

    watch_lasts_s: tuple[int, int] = (60, 100)
    decisive_lasts_s: tuple[int, int] = (20, 30)
    slack_s: float = 20.0
    unknown_s: float = 150.0

    @property
    def decisive(self) -> Silence:
        """That of what is decided on."""
        return replace(self, watch_lasts_s=min(self.watch_lasts_s, self.decisive_lasts_s))
