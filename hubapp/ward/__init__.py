"""One partition of hub-patients: what is held, what has passed, what was told. Pure but for the tables that it is loaded from.

watermark  how far the time of the facts has come
memory     one alarm: its summary, its held facts, the findings told of it
alarms     all of them; index: which of them a name stands for; concern: which of them a fact of the house may concern
parking    the facts of a backlog that wait for the watermark
telling    the house's facts as a timeline
outcome    what a batch changed
ward       the partition: takes records of the log, gives findings and table changes
state      the same as bytes in tables
oracle     the same conclusions from all facts at once, in one go: what the ward must agree with
agent      the rim: batches in, a transaction out
"""

from hubapp.ward.outcome import Outcome
from hubapp.ward.ward import Ward

__all__ = ["Outcome", "Ward"]
