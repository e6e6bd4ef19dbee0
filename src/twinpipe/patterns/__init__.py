"""Pattern files that ship with twinpipe."""
