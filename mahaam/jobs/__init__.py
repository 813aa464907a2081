"""The model of a job: its options, states, claim, outcome and follow-ups."""
