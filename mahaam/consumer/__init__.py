"""The process that runs jobs: who is started, what is written, who looks after what."""
