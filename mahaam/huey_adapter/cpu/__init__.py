"""Processes for tasks that compute: one per place at most, so that everything else goes on beside them.

`multiprocessing` and `pebble` do the like, but they pickle what they carry, fork a process full of
greenlets and connections, and wait in ways that gevent does not know. Here a fresh process imports
the task modules, and JSON travels over a socket that greenlets can wait for.
"""
