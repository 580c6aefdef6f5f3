"""The graph reader of gdask: turns the graphs of Dask clients into tasks.

It runs as a plugin process of a gdask scheduler, in the Python environment of the
user, and needs nothing there but dask, distributed and grpcio.
"""

__version__ = "0.1.0"
