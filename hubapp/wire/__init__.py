"""What the hub's topics carry, decoded: bytes in, facts out. Pure: no clock, no I/O, no Faust."""

from hubapp.wire.record import NO_TIMESTAMP, Ignored, Malformed, Record
from hubapp.wire.sources import decode
from hubapp.wire.times import Zones

__all__ = ["NO_TIMESTAMP", "Ignored", "Malformed", "Record", "Zones", "decode"]
