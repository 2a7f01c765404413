"""What a person can understand and mend."""


class Failure(Exception):
    """Its text is one clear line: what is wrong, where, what to do. The command prints it and exits 1."""

    status = 1


class Misuse(Failure):
    """What was asked for cannot be meant: a wrong setting or option. Exits 2."""

    status = 2
