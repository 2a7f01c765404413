"""What a person can understand and mend."""


class Failure(Exception):
    """Its text is one clear line: what is wrong, where, what to do. The command prints it and exits 1."""
