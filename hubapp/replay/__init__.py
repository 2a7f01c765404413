"""The rules over stored facts once more, with other thresholds or the same, beside what was found live."""
