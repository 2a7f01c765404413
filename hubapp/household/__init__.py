"""The log of the house: one partition, which hears of every unit what no patient's partition sees whole."""
