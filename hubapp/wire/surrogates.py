r"""Escapes of lone surrogates, \ud800 without its other half: JSON by its grammar, but no text that UTF-8 can hold."""

from __future__ import annotations

import re

HIGH, LOW, ANY = rb"u[dD][89abAB][0-9a-fA-F]{2}", rb"u[dD][c-fC-F][0-9a-fA-F]{2}", rb"u([dD][89a-fA-F][0-9a-fA-F]{2})"
# A pair and every other escape are matched too, so that \\ud800, a backslash and letters, is not taken for one.
ESCAPE = re.compile(rb"\\(?:" + HIGH + rb"\\" + LOW + rb"|" + ANY + rb"|.)", re.DOTALL)


def masked(json: bytes, mask: bytes) -> bytes:
    r"""*json* with *mask* in place of the `\u` of each."""
    return ESCAPE.sub(lambda found: mask + found[1] if found[1] else found[0], json)
