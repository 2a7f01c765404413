"""What the hub's topics carry, decoded: bytes in, facts out. Pure: no clock, no I/O, no Faust."""
