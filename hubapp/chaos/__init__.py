"""Proofs on real parts: a hub of a run's own is hurt, and everything it then holds is compared with what it should hold.

hub        Kafka, PostgreSQL, topics, workers: under one directory, ended with the run
orders     how a run is to be
load       a simulated ward's records to Kafka, and what was acknowledged of them
seen       all that is committed in the topics
expected   what one process, without Kafka, makes of the same records
stored     tables: changelogs, RocksDB, and what the logs say that they hold
rows       the database, row by row
verdict    lost, extra, different: all zero, or the run has failed
check      all of these together
kills      SIGKILL, SIGTERM, SIGSTOP under load
bedside    one patient at one monitor, written in real time
absence    situations in which somebody's absence must not be concluded
verifying  the ground truth of seeds, in one process or through Kafka
scenarios  what can be tried, by its row
planted    a worker with a defect, by which the comparison is tried
"""
