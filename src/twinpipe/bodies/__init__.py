"""Body files that ship with twinpipe."""
