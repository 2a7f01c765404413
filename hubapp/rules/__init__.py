"""What the hub concludes. Pure: facts in, findings out; no clock, no I/O, no Faust.

monitors, accounts, places    what every rule must know of the house, each folded from facts
house                         these three as one summary, and `Timeline`: what happened in the facts behind it
episode, onsets, endings      one stretch of an alarm: the value, how it begins, how it ends
presence, evidence            who was authenticated, and what somebody left
episodes, attendance          the rules: `settle` and `evaluate`, with evaluate(settle(s, a), b) == evaluate(s, a + b)
"""
