"""The consumer process, which runs jobs: its greenlets, its loops and its maintenance."""
