"""What the hub costs and brings: measured on real parts, each run a hub of its own, peers in the same run."""
