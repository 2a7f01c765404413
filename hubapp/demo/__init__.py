"""`hub demo`: the whole hub on one machine, with a simulated ward.

stage       services, topics, the ward and two workers, from start to end
players     the processes that it starts, watches and ends
conclusions what the hub concludes meanwhile, line by line and in figures
"""
