"""Records of a source partition become facts in the hub logs; what repeats itself is dropped, what is malformed kept apart.

intake       one partition: records in, what to send out
repeats      records that were told before
connections  connection reports: only a change is a fact, and silence is one
gaps         what was never read
progress     what a worker may claim of its source partitions
agents       the same few lines for the agent of each source
clocks       which writer's times are another zone's
"""
