r"""Escapes of lone surrogates, \ud800 without its other half: JSON by its grammar, but no text that UTF-8 can hold."""

from __future__ import annotations

import re

# A pair and every other escape are matched too, so that \\ud800, a backslash and letters, is not taken for one.
ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u([dD][89a-fA-F]..)|.)", re.DOTALL)


def masked(json: bytes, mask: bytes) -> bytes:
    r"""*json* with *mask* in place of the `\u` of each."""
    return ESCAPE.sub(lambda found: mask + found[1] if found[1] else found[0], json)
