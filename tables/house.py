"""All that the log of the house must remember. Written by agents.house alone.

house     held facts, what is told of episodes, monitors, accounts, places, progress: by a prefix and a key
the rules of the house, a table each: what a rule remembers, and its findings as they were told; by what each is about
"""

from __future__ import annotations

from faust.types import TableT

from hubapp.app import app
from hubapp.topics import HOUSE, HOUSE_RULES

tables: dict[str, TableT] = {name: app.Table(name, writer=HOUSE) for name in ("house", *HOUSE_RULES)}
