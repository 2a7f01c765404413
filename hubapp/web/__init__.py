"""The pages of a worker, on loopback: findings by patient, who owns what, health and metrics. For oversight, not for alarming."""
