"""One partition of hub-patients: what is held, what has passed, what was told. Pure but for the tables that it is loaded from.

watermark  how far the time of the facts has come
memory     one alarm: its summary, its held facts, the findings told of it
ward       the partition: takes records of the log, gives findings and table changes
oracle     the same conclusions from all facts at once, in one go: what the ward must agree with
"""

from hubapp.ward.ward import Outcome, Ward

__all__ = ["Outcome", "Ward"]
