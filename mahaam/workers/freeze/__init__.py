"""A consumer whose greenlets get no turn: seen from outside, ended, and its jobs given up."""
