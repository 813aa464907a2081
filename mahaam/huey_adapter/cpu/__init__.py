"""Processes for CPU-bound tasks: one per slot at most, so that everything else keeps running.

`multiprocessing` and `pebble` do something similar, but they pickle what they carry, fork a process
full of greenlets and connections, and wait in ways that gevent does not know. Here a fresh process
imports the task modules, and JSON is sent over a socket that greenlets can wait for.
"""
