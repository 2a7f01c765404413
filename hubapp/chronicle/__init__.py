"""What happened, in its order: the rules that are folds over it, and what is found of them.

A rule hears every event once, in the total order of facts, when the watermark has passed it. So no order of arrival can
matter; what comes later than that, within the lateness, is put in its place and all behind it is heard again.
"""
